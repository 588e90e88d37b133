"""Small bundles for tests, of wheels made on the spot."""

import hashlib
import io
import zipfile
from pathlib import Path

from pannier.model.site import LockedWheel
from pannier.model.target import Platform, Target
from pannier.site.bundle import WrittenBundle, write_bundle
from pannier.site.bundle_plan import BundlePlan, PlannedEnvironment, PlannedInterpreter

LINUX = Platform.parse("linux-x86_64-glibc2.17")


def wheel_bytes(
    project: str, version: str, *, tag: str = "py2.py3-none-any", fields: str = "", body: str = ""
) -> bytes:
    """A whole wheel with one module."""
    info = f"{project}-{version}.dist-info"
    files = {
        f"{project}.py": body or f"VERSION = '{version}'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n{fields}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(f"{name},,\n" for name in files) + f"{info}/RECORD,,\n"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return stream.getvalue()


def planned_wheel(
    directory: Path,
    project: str,
    version: str = "1.0",
    *,
    tag: str = "py2.py3-none-any",
    fields: str = "",
    body: str = "",
    built: bool = False,
) -> LockedWheel:
    """A wheel in a directory that stands for the cache, there under its digest."""
    data = wheel_bytes(project, version, tag=tag, fields=fields, body=body)
    sha256 = hashlib.sha256(data).hexdigest()
    source = directory / sha256
    directory.mkdir(parents=True, exist_ok=True)
    source.write_bytes(data)
    filename = f"{project}-{version}-{tag}.whl"
    return LockedWheel(filename, sha256, len(data), source, project.replace("_", "-"), version, built)


def planned_interpreter(
    directory: Path, version: str = "3.11.7", content: bytes = b"tar"
) -> PlannedInterpreter:
    """Something that stands for an interpreter."""
    directory.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256(content).hexdigest()
    source = directory / f"{sha256}.tar.gz"
    source.write_bytes(content)
    minor = ".".join(version.split(".")[:2])
    return PlannedInterpreter(source, sha256, len(content), f"bin/python{minor}", "x86_64", version)


def plan_of(*environments: PlannedEnvironment, **changes: object) -> BundlePlan:
    """A plan with the usual places."""
    plan = BundlePlan("lab", "/opt/lab/envs", "/usr/local/bin", environments)
    return plan._replace(**changes)  # type: ignore[arg-type]


def environment(
    name: str,
    python: str,
    *wheels: LockedWheel,
    interpreter: PlannedInterpreter | str | None = None,
    aliases: tuple[str, ...] = (),
    smoke: tuple[str, ...] = (),
) -> PlannedEnvironment:
    """An environment for Linux."""
    target = Target(python, LINUX)
    return PlannedEnvironment(name, target, wheels, aliases, smoke, interpreter)


def small_bundle(directory: Path, name: str = "site.run") -> WrittenBundle:
    """Two environments that share one wheel."""
    cache = directory / "cache"
    shared = planned_wheel(cache, "shared", fields="License: MIT\nRequires-Python: >=2.7\n")
    old = planned_wheel(cache, "old", tag="py2-none-any", built=True)
    plan = plan_of(
        environment("lab-python27", "2.7.18", shared, old, aliases=("lab-python2",), smoke=("import old",)),
        environment("lab-python36", "3.6.15", shared),
    )
    return write_bundle(plan, directory / name)

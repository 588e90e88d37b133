"""An RPM package, which `rpmbuild` makes of a tar archive and a spec file."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pannier.formats.package_versions import RpmVersion, rpm_version
from pannier.formats.python_reach import Reach
from pannier.formats.rpm_specs import RpmSpec, format_rpm_spec, rpm_library
from pannier.model.errors import PackError
from pannier.model.events import Reporter, Stage
from pannier.pack.contents import Item, item_of_bytes
from pannier.pack.image import directories_of
from pannier.pack.image_archive import write_archive
from pannier.pack.system_package import SystemContents, WrittenPackage
from pannier.store.writing import whole_file

_NO_ARCHITECTURE = "noarch"
# Directories of the system itself: no package of ours owns them.
_SYSTEM = (
    "usr",
    "usr/bin",
    "usr/lib",
    "usr/share",
    "usr/share/man",
    "usr/share/man/man1",
    "usr/share/licenses",
)
_SAID = 2000


def write_rpm_package(contents: SystemContents, output: Path, reporter: Reporter) -> WrittenPackage:
    """Write a `.rpm`; the same contents and the same `rpmbuild` give the same bytes.

    Args:
        contents: What to pack.
        output: The file to write, whole or not at all.
        reporter: Hears of progress.

    Raises:
        PackError: `rpmbuild` is not there, or fails, or something cannot be packed.
        StorageError: It cannot be written.
    """
    program = shutil.which("rpmbuild")
    if program is None:
        raise PackError(
            "a .rpm is made by `rpmbuild`, which is not on this machine",
            code="rpmbuild-missing",
            hint="install it (`apt-get install rpm`, `dnf install rpm-build`), or pack to `.tar.gz`",
        )
    architecture = contents.platform.architecture if contents.is_native else _NO_ARCHITECTURE
    version = rpm_version(contents.facts.version)
    requires = _requires(contents)
    items = [*contents.items, _licence_item(contents)]
    with tempfile.TemporaryDirectory(prefix="pannier-rpm.") as name:
        place = Path(name)
        stage = Stage(name="writing", total=sum(item.size for item in items), unit="bytes")
        reporter.begin(stage)
        try:
            with (place / "files.tar").open("wb") as stream:
                write_archive(
                    items, stream, contents.facts.date, lambda done: reporter.advance(stage, done, "")
                )
            spec = _spec(contents, version, architecture, requires, items, place / "files.tar")
            (place / "package.spec").write_bytes(format_rpm_spec(spec))
            made = _build(program, place, architecture, contents.facts.date)
            size = made.stat().st_size
            with made.open("rb") as source, whole_file(output) as target:
                shutil.copyfileobj(source, target, 1 << 20)
        finally:
            reporter.end(stage)
    epoch = f"{version.epoch}:" if version.epoch else ""
    whole = f"{epoch}{version.version}-{contents.facts.revision}"
    return WrittenPackage(contents.facts.name, whole, architecture, tuple(requires), size)


def _requires(contents: SystemContents) -> list[str]:
    requires = ["/bin/sh", *(_python_requires(contents.reach) if contents.reach else [])]
    machine = contents.platform.architecture
    if contents.binary.glibc:
        requires.append(rpm_library(f"libc.so.6(GLIBC_{contents.binary.glibc})", machine))
    requires += [rpm_library(f"{name}()", machine) for name in contents.binary.libraries]
    return list(dict.fromkeys([*requires, *contents.facts.depends]))


def _python_requires(reach: Reach) -> list[str]:
    bounds = [f"python3 >= 3.{reach.first}"]
    return bounds if reach.end is None else [*bounds, f"python3 < 3.{reach.end}"]


def _licence_item(contents: SystemContents) -> Item:
    facts = contents.facts
    texts = [
        "\n".join([f"{', '.join(part.files)}: {part.license}", *part.holders, "", part.text])
        for part in contents.copyright
    ]
    return item_of_bytes(f"usr/share/licenses/{facts.name}/LICENSE", "\n\n".join(texts).encode() + b"\n")


def _spec(
    contents: SystemContents,
    version: RpmVersion,
    architecture: str,
    requires: Sequence[str],
    items: Sequence[Item],
    archive: Path,
) -> RpmSpec:
    facts = contents.facts
    top = contents.prefix.rpartition("/")[0]
    owned = [f"/{top}"]
    owned += [
        f"/{item.name}"
        for item in items
        if not item.name.startswith(f"{top}/") and "/licenses/" not in item.name
    ]
    own_directories = set(directories_of(items)) - set(_SYSTEM)
    licences = [f"/{one}" for one in own_directories if one.startswith("usr/share/licenses/")]
    return RpmSpec(
        name=facts.name,
        version=version,
        release=facts.revision,
        architecture=architecture,
        summary=facts.summary,
        description=(*facts.description, contents.inventory),
        license=facts.license or "Unknown",
        packager=facts.maintainer,
        url=facts.homepage,
        requires=tuple(requires),
        prefix=f"/{contents.prefix}",
        files=tuple(sorted([*owned, *licences])),
        archive=str(archive),
        date=facts.date,
    )


def _build(program: str, place: Path, architecture: str, date: int) -> Path:
    command = [program, "-bb", "--quiet", "--nodeps", "--target", f"{architecture}-linux"]
    command += ["--define", f"_topdir {place}", str(place / "package.spec")]
    # Nothing of who builds, where and when: SOURCE_DATE_EPOCH is what rpm dates everything by.
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(place),
        "LC_ALL": "C.UTF-8",
    }
    environment["SOURCE_DATE_EPOCH"] = str(date)
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", env=environment, cwd=place, check=False
    )
    made = sorted(place.glob("RPMS/*/*.rpm"))
    if done.returncode or len(made) != 1:
        raise PackError(
            "`rpmbuild` failed",
            code="rpmbuild-failed",
            facts={"status": str(done.returncode), "said": (done.stderr or done.stdout).strip()[-_SAID:]},
        )
    return made[0]

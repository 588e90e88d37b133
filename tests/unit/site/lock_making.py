"""Locks, inputs and tools for the tests of sites."""

import hashlib
from pathlib import Path

from pannier.model.events import SilentReporter
from pannier.model.interpreter import Interpreter
from pannier.model.lock import BuiltWheel, Lock, LockedFile, LockedProject
from pannier.model.site import SiteEnvironment
from pannier.model.spec import Spec
from pannier.model.target import Platform, Target
from pannier.site.inputs import Inputs
from pannier.site.tools import SiteTools
from pannier.store.directories import CacheDirectories
from pannier.store.index_settings import IndexSettings

PLATFORM = Platform.parse("linux-x86_64-glibc2.28")
TARGET = Target(python_version="3.11.7", platform=PLATFORM)


def file(filename: str, content: str = "") -> LockedFile:
    digest = hashlib.sha256((content or filename).encode()).hexdigest()
    return LockedFile(
        filename=filename, url=f"https://f.example/{filename}", hashes={"sha256": digest}, size=3
    )


def wheel_of(name: str, version: str, tag: str = "py3-none-any", content: str = "") -> LockedProject:
    return LockedProject(name=name, version=version, wheels=(file(f"{name}-{version}-{tag}.whl", content),))


def sdist_of(name: str, version: str, built: str = "") -> LockedProject:
    wheel = BuiltWheel(
        filename=f"{name}-{version}-py3-none-any.whl",
        sha256=hashlib.sha256(built.encode()).hexdigest(),
        size=5,
    )
    return LockedProject(
        name=name, version=version, sdist=file(f"{name}-{version}.tar.gz"), built=wheel if built else None
    )


def lock_of(*projects: LockedProject, target: Target = TARGET, inputs: str = "") -> Lock:
    return Lock(projects=projects, targets=(target,), inputs=inputs)


def inputs_of(
    *requirements: str,
    name: str = "lab",
    target: Target = TARGET,
    previous: Lock | None = None,
    manner: tuple[str, ...] = (),
) -> Inputs:
    environment = SiteEnvironment(name=name, python=target.python_minor, requirements=("r.txt",))
    return Inputs(environment, Spec(requirements=requirements), target, previous, manner)


def interpreter(version: str, platform: Platform = PLATFORM) -> Interpreter:
    return Interpreter(
        python_executable=f"/opt/python{version}/bin/python",
        version=version,
        implementation="cpython",
        platform=platform,
        prefix="/opt",
        base_prefix="/opt",
        base_executable="/opt/bin/python",
        stdlib="/opt/lib",
        site_packages=(),
    )


def tools_of(*versions: str) -> SiteTools:
    return SiteTools(
        directories=CacheDirectories(Path("/nowhere")),
        indexes=IndexSettings(),
        platform=PLATFORM,
        interpreters=tuple(interpreter(version) for version in versions),
        reporter=SilentReporter(),
        environ={},
    )

import hashlib
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pannier.model.events import Notice, SilentReporter
from pannier.model.target import Platform, Target
from pannier.pack.bytecode import Compiler
from pannier.pack.plan import PackPlan, PlannedProgram, PlannedWheel
from pannier.store.directories import CacheDirectories

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
VERSION = f"{PYTHON}.{sys.version_info.micro}"
PLATFORM = Platform.parse("linux-x86_64-glibc2.28")


@dataclass(frozen=True)
class Entry:
    name: str
    source: Path | None = None
    link_target: str = ""
    executable: bool = False


@dataclass(frozen=True)
class Tree:
    fingerprint: str
    version: str
    executable: str
    platform: Platform
    entries: tuple[Entry, ...]


class Listener(SilentReporter):
    """Remembers what it was warned of."""

    def __init__(self) -> None:
        self.warnings: list[Notice] = []

    def warn(self, warning: Notice) -> None:
        self.warnings.append(warning)


MakeWheel = Callable[..., PlannedWheel]
MakePlan = Callable[..., PackPlan]


@pytest.fixture
def make_wheel(tmp_path: Path) -> MakeWheel:
    """Write a wheel: `make_wheel("demo", {"demo/__init__.py": "x = 1"})`."""

    def make(
        name: str,
        files: Mapping[str, str | bytes],
        *,
        version: str = "1.0",
        platform: str = "any",
        executable: tuple[str, ...] = (),
        metadata: bool = True,
    ) -> PlannedWheel:
        directory = tmp_path / "wheels"
        directory.mkdir(exist_ok=True)
        path = directory / f"{name}-{version}-py3-none-{platform}.whl"
        dist_info = f"{name}-{version}.dist-info"
        standard = {
            f"{dist_info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{dist_info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{dist_info}/RECORD": "".join(f"{one},sha256=abc,{len(files[one])}\n" for one in files),
        }
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, text in {**files, **(standard if metadata else {})}.items():
                info = zipfile.ZipInfo(member)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = (0o755 if member in executable else 0o644) << 16
                archive.writestr(info, text)
        return PlannedWheel(path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())

    return make


@pytest.fixture
def compiler() -> Compiler:
    return Compiler(sys.executable, VERSION, "cpython", "test")


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    directory = tmp_path / "runtime"
    directory.mkdir()
    (directory / "__init__.py").write_text('"""Travels."""\n')
    (directory / "launcher.sh").write_text("#!/bin/sh\nexec true\n")
    return directory


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    source = tmp_path / "interpreter"
    (source / "lib").mkdir(parents=True)
    (source / "python").write_text("#!/bin/sh\necho python\n")
    (source / "lib" / "os.py").write_text("name = 'posix'\n")
    entries = (
        Entry("bin/python3", link_target=f"python{PYTHON}"),
        Entry(f"bin/python{PYTHON}", source / "python", executable=True),
        Entry(f"lib/python{PYTHON}/os.py", source / "lib" / "os.py"),
    )
    return Tree("f" * 64, VERSION, f"bin/python{PYTHON}", PLATFORM, entries)


@pytest.fixture
def make_plan(tmp_path: Path, tree: Tree, compiler: Compiler) -> MakePlan:
    script = tmp_path / "hello.py"
    script.write_text("print('hello')\n")

    def make(*wheels: PlannedWheel, **changes: object) -> PackPlan:
        fields: dict[str, object] = {
            "name": "demo",
            "target": Target(python_version=VERSION, platform=PLATFORM),
            "codec": "zstd",
            "interpreter": tree,
            "compiler": compiler,
            "wheels": wheels,
            "program": PlannedProgram(command="hello", files=(("hello.py", script),), script="hello.py"),
            "lock_sha256": "a" * 64,
        }
        return PackPlan(**{**fields, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def directories(tmp_path: Path) -> CacheDirectories:
    return CacheDirectories(tmp_path / "cache")


@pytest.fixture
def listener() -> Listener:
    return Listener()

"""A fake `pannier.api`, so that what is tested here is the command line alone."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import pannier
from pannier.api.packing import is_system_package
from pannier.api.settings import SETTINGS, Settings
from pannier.model.analysis import Analysis, FoundProject, Import, Location, Problem
from pannier.model.lock import Lock, LockedFile, LockedProject
from pannier.model.manifest import Layer, Manifest, PackedInterpreter, Program
from pannier.model.spec import Spec
from pannier.model.target import Platform, Target

TARGET = Target(
    python_version="3.11.7",
    platform=Platform(system="linux", architecture="x86_64", libc_family="glibc", libc_version="2.28"),
)


class FakeApi(ModuleType):
    """Keeps what each verb was called with, and returns what a test put there."""

    SETTINGS = SETTINGS

    def __init__(self) -> None:
        super().__init__("pannier.api")
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.results: dict[str, Any] = {}
        self.flags: dict[str, object] = {}
        for options in ("AnalyzeOptions", "LockOptions", "PackOptions"):
            setattr(self, options, SimpleNamespace)
        for verb in ("analyze", "lock", "pack", "run_arguments", "unpack", "verify", "inspect"):
            setattr(self, verb, self._verb(verb))
        self.is_bundle = lambda path: False
        self.is_system_package = is_system_package
        self.cache_usage = self._verb("cache_usage")
        self.cache_clean = self._verb("cache_clean")

    def _verb(self, name: str) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            self.calls.append((name, arguments))
            result = self.results[name]
            if isinstance(result, BaseException):
                raise result
            return result(*arguments) if callable(result) else result

        return called

    def load_settings(self, flags: dict[str, object], environ: object, directory: Path) -> Settings:
        self.flags = dict(flags)
        known = set(Settings._fields)
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in flags.items()
            if name in known
        }
        return Settings(**given)

    def options(self, verb: str) -> Any:
        """The options that the last call of `verb` had."""
        return next(arguments[1] for name, arguments in reversed(self.calls) if name == verb)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    fake = FakeApi()
    monkeypatch.setitem(sys.modules, "pannier.api", fake)
    monkeypatch.setattr(pannier, "api", fake, raising=False)
    specs = ModuleType("pannier.formats.environment_specs")
    specs.format_spec = lambda spec: json.dumps({"dependencies": spec.requirements}) + "\n"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pannier.formats.environment_specs", specs)
    fake.results = {
        "analyze": SimpleNamespace(analysis=ANALYSIS, spec=SPEC, environment_python="3.11.7", check=None),
        "lock": SimpleNamespace(lock=LOCK, path=Path("pylock.toml"), changes={"pyyaml": "-> 6.0.3"}),
        "pack": SimpleNamespace(
            manifest=MANIFEST, path=Path("weather.tar.gz"), size=86_100_000, seconds=3.4, reused_layers=2
        ),
    }
    return fake


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No colour, no settings and no directory of this machine."""
    for name in ("NO_COLOR", "FORCE_COLOR", "PANNIER_TRACEBACK", "PANNIER_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


def found(name: str, line: int, path: str = "app.py") -> Import:
    return Import(name=name, kind="required", location=Location(path=path, line=line))


ANALYSIS = Analysis(
    sources=("app.py",),
    projects=(
        FoundProject(
            name="PyYAML",
            requirement="PyYAML==6.0.3",
            confidence="installed",
            imports=(found("yaml", 3), found("yaml", 9, "lib/io.py")),
        ),
        FoundProject(
            name="requests",
            requirement="requests",
            confidence="known",
            imports=(found("requests", 4),),
            optional=True,
            role="optional",
        ),
    ),
    unknown=(found("acme_db", 7), found("acme_db", 8), found("acme_io", 9)),
    problems=(
        Problem(location=Location(path="bad.py", line=2), message="invalid syntax", code="source-syntax"),
    ),
    requires_python=">=3.9",
    python_reason="PEP 723 block of app.py",
)
SPEC = Spec(requirements=("PyYAML==6.0.3",), python=">=3.9", channels=("conda-forge",))
LOCK = Lock(
    projects=(
        LockedProject(
            name="pyyaml",
            version="6.0.3",
            wheels=(
                LockedFile(
                    filename="PyYAML-6.0.3-cp311-cp311-manylinux_2_17_x86_64.whl",
                    url="https://index.example/PyYAML-6.0.3-cp311-cp311-manylinux_2_17_x86_64.whl",
                    hashes={"sha256": "0" * 64},
                ),
            ),
            sdist=LockedFile(
                filename="pyyaml-6.0.3.tar.gz",
                url="https://index.example/pyyaml-6.0.3.tar.gz",
                hashes={"sha256": "1" * 64},
            ),
        ),
    ),
    targets=(TARGET,),
    requires_python=">=3.11",
)


def layer(kind: Any, name: str, size: int, version: str = "") -> Layer:
    return Layer(
        kind=kind,
        name=name,
        version=version,
        sha256="a" * 64,
        size=size,
        content_sha256="b" * 64,
        content_size=size * 3,
        files=12,
    )


MANIFEST = Manifest(
    name="weather",
    target=TARGET,
    interpreter=PackedInterpreter(origin="inside", version="3.11.7", executable="bin/python3.11"),
    program=Program(name="weather", source="program/weather.py"),
    layers=(
        layer("runtime", "runtime", 20_000),
        layer("interpreter", "interpreter", 30_000_000, "3.11.7"),
        layer("distribution", "numpy", 18_300_000, "2.1.0"),
        layer("program", "program", 2_500),
    ),
    environment=(("DATA", "data/DATA"),),
    lock_sha256="c" * 64,
)


@pytest.fixture
def manifest() -> Manifest:
    return MANIFEST


@pytest.fixture
def analysis() -> Analysis:
    return ANALYSIS

"""What travels runs on every Python from 3.6 on: as the machine's own, and as one inside."""

import ast
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.end_to_end.interpreters import find_python
from tests.end_to_end.launching import Launcher
from tests.unit.runtime.pack_building import (
    RUNTIME,
    File,
    LayerPlan,
    build_pack,
    fake_interpreter_layer,
    host_plan,
    plain_plan,
)

MINORS = ("3.6", "3.8", "3.11", "3.13", "3.14")


@pytest.fixture(params=MINORS)
def minor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def python(minor: str) -> str:
    found = find_python(minor)
    if found is None:
        pytest.skip(f"there is no Python {minor} here")
    return found


def modules(minor: str) -> LayerPlan:
    top = f"lib/python{minor}/site-packages"
    return LayerPlan(
        "distribution",
        "modules",
        [File(f"{top}/carried.py", b"value = 42\n"), File(f"{top}/broken.py", b"def (\n")],
        bytecode=False,
    )


CODE = "import carried; print(carried.value); print(carried.__cached__)"


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_host_pack_is_compiled_and_runs(tmp_path: Path, minor: str, python: str, codec: str) -> None:
    if codec == "zstd" and shutil.which("zstd") is None:
        pytest.skip("there is no zstd here")
    plan = replace(
        host_plan(modules(minor), codec=codec), python=f"{minor}.0", executable=f"bin/python{minor}"
    )
    pack = build_pack(tmp_path / "x", plan)
    launcher = Launcher(("sh",), tmp_path)
    env = {"PATH": f"{Path(python).parent}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
    value, cached = launcher.run(pack, "python3", "-c", CODE, env=env).stdout.splitlines()
    assert value == "42"
    assert Path(cached).exists()
    assert str(launcher.cache) in cached
    if minor != "3.6":
        # PEP 552: the first flag says hash-based, the second, which is not set, that the hash is checked.
        assert Path(cached).read_bytes()[4:8] == b"\1\0\0\0"


def test_a_pack_with_an_interpreter_inside_runs(tmp_path: Path, minor: str, python: str) -> None:
    plan = plain_plan()
    runtime, _, *rest = plan.layers
    interpreter = fake_interpreter_layer(python, minor)
    plan = replace(
        plan, layers=(runtime, interpreter, *rest), python=f"{minor}.0", executable=f"bin/python{minor}"
    )
    pack = build_pack(tmp_path / "x", plan)
    launcher = Launcher(("sh",), tmp_path)
    assert launcher.run(pack).stdout.startswith("hello from ")
    damaged = bytearray(pack.read_bytes())
    damaged[-2000] ^= 1
    pack.write_bytes(damaged)
    shutil.rmtree(launcher.cache)
    assert launcher.run(pack, status=1).stderr.endswith("code: corrupt-pack\n")


def test_what_travels_imports_nothing_but_the_standard_library() -> None:
    for path in RUNTIME.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= sys.stdlib_module_names, path
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert (node.module or "").split(".")[0] in sys.stdlib_module_names, path

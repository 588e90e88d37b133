import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pannier.formats.pack_forms import form_of
from pannier.model.errors import HashMismatchError, PackError
from pannier.pack import reader
from pannier.pack.plan import PackPlan, PlannedProgram
from pannier.pack.writer import write_pack
from pannier.runtime.head import parse_head
from pannier.store.directories import CacheDirectories

Make = Callable[..., Any]
SITE = "lib/python{}/site-packages"


@pytest.fixture
def pack(
    make_plan: Make, make_wheel: Make, directories: CacheDirectories, runtime: Path, tmp_path: Path
) -> Make:
    """Write a pack of wheels and return its members by name."""

    def write(*wheels: object, output: str = "demo.tar.zst", **changes: object) -> dict[str, bytes]:
        plan = make_plan(*wheels, codec=form_of(output).codec, **changes)
        write_pack(plan, tmp_path / output, directories, runtime=runtime)
        return members(tmp_path / output)

    return write


def members(path: Path) -> dict[str, bytes]:
    """Unpack with the system's tar, as a user without Pannier would."""
    command = ["zstd", "-dcq"] if path.name.endswith("zst") else ["gzip", "-dc"]
    with path.open("rb") as stream:
        content = subprocess.run(command, stdin=stream, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        names = archive.getnames()
        assert len(names) == len(set(names))
        return {
            info.name: stream.read() if (stream := archive.extractfile(info)) and info.isfile() else b""
            for info in archive.getmembers()
        }


def site_of(plan: PackPlan) -> str:
    return SITE.format(plan.target.python_minor)


@pytest.mark.parametrize("output", ["demo.tar.zst", "demo.tar.gz"])
def test_the_same_plan_gives_the_same_bytes_in_another_cache_and_directory(
    make_plan: Make, make_wheel: Make, runtime: Path, tmp_path: Path, output: str
) -> None:
    wheels = [
        make_wheel(name, {f"{name}/m{n}.py": f"x = {n}\n" for n in range(9)}) for name in ("bb", "aa", "cc")
    ]
    plan = make_plan(*wheels, codec=form_of(output).codec)
    first, second = tmp_path / output, tmp_path / "other" / output
    one = write_pack(plan, first, CacheDirectories(tmp_path / "c1"), runtime=runtime)
    moved = shutil.copytree(tmp_path / "wheels", tmp_path / "moved")
    for wheel in moved.iterdir():
        os.utime(wheel, (0, 0))
    again = replace(plan, wheels=tuple(replace(one, path=moved / one.path.name) for one in reversed(wheels)))
    two = write_pack(again, second, CacheDirectories(tmp_path / "c2"), runtime=runtime)
    assert first.read_bytes() == second.read_bytes()
    assert one.pack_id == two.pack_id
    assert [layer.name for layer in one.manifest.layers] == [
        "runtime", "interpreter", "aa", "bb", "cc", "program",
    ]  # fmt: skip


@pytest.mark.parametrize("output", ["demo.tar.zst", "demo.tar.gz"])
def test_the_runtime_verifies_what_was_written(
    pack: Make, make_wheel: Make, tmp_path: Path, output: str
) -> None:
    found = pack(make_wheel("aa", {"aa/__init__.py": "x = 1\n", "aa/ü.txt": "text"}), output=output)
    facts = reader.verify(tmp_path / output)
    assert facts.unpacked_files == len(found)
    assert facts.size == (tmp_path / output).stat().st_size
    head = parse_head(found[".pannier/head"])
    assert (head.id, head.program, head.name) == (facts.pack_id, "hello", "demo")
    assert reader.inspect(tmp_path / output).manifest == facts.manifest
    data = (tmp_path / output).read_bytes()
    assert b"\npannier-pack 1 " + facts.pack_id.encode() in data[:1000]


def test_a_wheel_is_installed_as_an_installer_would(pack: Make, make_wheel: Make, make_plan: Make) -> None:
    wheel = make_wheel(
        "aa",
        {
            "aa/__init__.py": "x = 1\n",
            "aa/tool": "#!/bin/sh\n",
            "aa/__pycache__/__init__.cpython-311.pyc": "stale",
            "aa-1.0.data/purelib/pure.py": "y = 2\n",
            "aa-1.0.data/scripts/run-aa": "#!python\nprint(1)\n",
            "aa-1.0.data/scripts/plain": "#!/bin/bash\n",
            "aa-1.0.data/data/share/aa/x.txt": "data",
            "aa-1.0.data/headers/aa.h": "int x;",
            "aa-1.0.dist-info/entry_points.txt": "[console_scripts]\naa = aa:main\n",
        },
        executable=("aa/tool",),
    )
    found = pack(wheel)
    site = site_of(make_plan())
    minor = make_plan().target.python_minor
    tag = f"cpython-{minor.replace('.', '')}"
    assert found[f"{site}/pure.py"] == b"y = 2\n"
    assert found["share/aa/x.txt"] == b"data"
    assert found[f"include/site/python{minor}/aa/aa.h"] == b"int x;"
    assert found["bin/plain"] == b"#!/bin/bash\n"
    assert b"from aa import main" in found["bin/aa"]
    assert found["bin/run-aa"].startswith(b"#!/bin/sh\n''':'\n")
    assert found[f"{site}/aa-1.0.dist-info/INSTALLER"] == b"pannier\n"
    assert f"{site}/aa/__pycache__/__init__.{tag}.pyc" in found
    assert found[f"{site}/aa/__pycache__/__init__.{tag}.pyc"] != b"stale"
    rows = list(csv.reader(io.StringIO(found[f"{site}/aa-1.0.dist-info/RECORD"].decode())))
    recorded = {os.path.normpath(f"{site}/{row[0]}") for row in rows}
    others = {
        "bin/hello",
        "bin/run_in_env",
        f"bin/python{minor}",
        "bin/python3",
        f"{site}/pannier-program.pth",
    }
    inside = {
        name for name in found if not name.startswith((".pannier/", "program/", f"lib/python{minor}/os.py"))
    }
    assert recorded == inside - others - {f"lib/python{minor}/__pycache__/os.{tag}.pyc"}
    assert ["aa/__init__.py", "sha256=abc", "6"] in rows


@pytest.mark.parametrize(
    ("files", "because"),
    [
        ({"aa-1.0.data/data/.pannier/head": "x"}, "the pack's own"),
        ({"aa-1.0.data/scripts/python3": "x"}, "the pack's own"),
        ({"aa-1.0.data/nonsense/x": "x"}, "no scheme"),
        ({"bb-2.0.dist-info/WHEEL": "Wheel-Version: 1.0\n"}, "one directory"),
        ({"a.py": "", "aa-1.0.data/purelib/a.py": ""}, "one place"),
        ({"aa-1.0.dist-info/entry_points.txt": b"\xff"}, "not UTF-8"),
    ],
)
def test_wheels_that_cannot_be_installed_are_refused(
    pack: Make, make_wheel: Make, tmp_path: Path, files: dict[str, str], because: str
) -> None:
    with pytest.raises(PackError) as caught:
        pack(make_wheel("aa", files))
    assert because in str(caught.value.facts["because"])
    assert not (tmp_path / "demo.tar.zst").exists()
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_wheel_without_metadata_is_refused(pack: Make, make_wheel: Make) -> None:
    with pytest.raises(PackError, match="cannot be installed"):
        pack(make_wheel("aa", {"aa.py": ""}, metadata=False))


def test_a_member_whose_checksum_is_wrong_is_refused(pack: Make, make_wheel: Make) -> None:
    wheel = make_wheel("aa", {"aa.bin": os.urandom(1000)})
    data = wheel.path.read_bytes()
    damaged = data[:500] + bytes([data[500] ^ 1]) + data[501:]
    wheel.path.write_bytes(damaged)
    with pytest.raises(PackError):
        pack(replace(wheel, sha256=hashlib.sha256(damaged).hexdigest()))


def test_a_wheel_that_changed_since_it_was_stored_is_refused(pack: Make, make_wheel: Make) -> None:
    wheel = make_wheel("aa", {"aa.py": "x = 1\n"})
    wheel.path.write_bytes(make_wheel("bb", {"bb.py": "x = 2\n"}).path.read_bytes())
    with pytest.raises(HashMismatchError) as caught:
        pack(wheel)
    assert "pannier cache clean distributions" in caught.value.hint


def test_layers_that_lie_ready_are_used_and_damaged_ones_made_again(
    make_plan: Make, make_wheel: Make, directories: CacheDirectories, runtime: Path, tmp_path: Path
) -> None:
    plan = make_plan(make_wheel("aa", {"aa.py": "x = 1\n"}), make_wheel("bb", {"bb.py": "x = 1\n"}))
    output = tmp_path / "demo.tar.zst"
    cold = write_pack(plan, output, directories, runtime=runtime)
    first = output.read_bytes()
    warm = write_pack(plan, output, directories, runtime=runtime)
    assert (cold.reused_layers, warm.reused_layers) == (0, 5)
    assert cold.manifest == warm.manifest
    frame = max(directories.layers.rglob("*.zst"), key=lambda path: path.stat().st_size)
    frame.write_bytes(frame.read_bytes()[:-1])
    assert write_pack(plan, output, directories, runtime=runtime).reused_layers == 4
    assert output.read_bytes() == first


def test_a_layer_made_again_with_other_bytes_is_hashed_again(
    pack: Make,
    make_wheel: Make,
    directories: CacheDirectories,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    wheel = make_wheel("aa", {"aa.py": "x = 1\n"})
    pack(wheel)
    for frame in directories.layers.rglob("*.zst"):
        frame.unlink()
    monkeypatch.setattr("pannier.formats.frames.ZSTD_LEVEL", 9)
    pack(wheel)
    reader.verify(tmp_path / "demo.tar.zst")


def test_lost_lists_of_names_are_made_again(
    pack: Make, make_wheel: Make, directories: CacheDirectories, tmp_path: Path
) -> None:
    wheel = make_wheel("aa", {"aa.py": "x = 1\n"})
    pack(wheel)
    for names in directories.layers.rglob("*.names"):
        names.unlink()
    shutil.rmtree(directories.layers / "sets")
    pack(wheel)
    reader.verify(tmp_path / "demo.tar.zst")


def test_a_file_that_two_wheels_bring_is_in_one_layer_only(
    make_plan: Make,
    make_wheel: Make,
    directories: CacheDirectories,
    runtime: Path,
    tmp_path: Path,
    listener: Any,
) -> None:
    same = {"tests/__init__.py": ""}
    aa = make_wheel("aa", {**same, "common/__init__.py": "who = 'aa'\n", "aa.py": ""})
    bb = make_wheel("bb", {**same, "common/__init__.py": "who = 'bb'\n", "bb.py": ""})
    output = tmp_path / "demo.tar.zst"
    plan = make_plan(aa, bb)
    for _ in range(2):
        listener.warnings.clear()
        write_pack(plan, output, directories, listener, runtime=runtime)
        found = members(output)
        site = site_of(plan)
        assert found[f"{site}/common/__init__.py"] == b"who = 'bb'\n"
        assert [dict(one.facts) for one in listener.warnings] == [{"files": [f"{site}/common/__init__.py"]}]
        assert b"common/__init__.py" not in found[f"{site}/aa-1.0.dist-info/RECORD"]
        assert b"tests/__init__.py" in found[f"{site}/aa-1.0.dist-info/RECORD"]
        reader.verify(output)
    # Alone, it is the layer it always was.
    write_pack(make_plan(aa), output, directories, runtime=runtime)
    assert members(output)[f"{site}/common/__init__.py"] == b"who = 'aa'\n"


def test_without_an_interpreter_the_head_says_host_and_pure_packs_need_no_c_library(
    pack: Make, make_wheel: Make
) -> None:
    found = pack(make_wheel("aa", {"aa.py": ""}), interpreter=None)
    head = parse_head(found[".pannier/head"])
    assert (head.origin, head.executable, head.libc_family, head.libc_version) == (
        "host",
        "bin/python3",
        "any",
        "0",
    )
    assert "bin/python3" not in found


def test_without_a_compiler_byte_code_is_left_to_the_target(
    pack: Make, make_wheel: Make, tmp_path: Path
) -> None:
    found = pack(make_wheel("aa", {"aa.py": ""}), compiler=None)
    assert not [name for name in found if name.endswith(".pyc")]
    layers = reader.inspect(tmp_path / "demo.tar.zst").manifest.layers
    assert {layer.name: layer.bytecode for layer in layers} == {
        "runtime": True, "interpreter": False, "aa": False, "program": False,
    }  # fmt: skip


def test_variables_and_data_travel(pack: Make, make_wheel: Make, tmp_path: Path) -> None:
    from pannier.pack.recipes import PackedFile

    (tmp_path / "stations.csv").write_text("a,b\n")
    file = PackedFile(name="data/STATIONS", path=tmp_path / "stations.csv")
    found = pack(data=(file,), environment=(("STATIONS", "data/STATIONS"),), program=None)
    assert found["data/STATIONS"] == b"a,b\n"
    assert found[".pannier/environment"] == b"STATIONS data/STATIONS\n"
    assert json.loads(found[".pannier/manifest.json"])["environment"] == {"STATIONS": "data/STATIONS"}
    assert json.loads(found[".pannier/manifest.json"])["program"] is None


def test_platform_floors_are_the_highest_of_what_is_inside(pack: Make, make_wheel: Make) -> None:
    wheels = [
        make_wheel("aa", {"aa.so": "x"}, platform="manylinux_2_31_x86_64.manylinux2014_x86_64"),
        make_wheel("bb", {"bb.so": "x"}, platform="manylinux_2_34_x86_64"),
    ]
    assert parse_head(pack(*wheels)[".pannier/head"]).libc_version == "2.34"
    assert parse_head(pack(wheels[0])[".pannier/head"]).libc_version == "2.28"
    assert parse_head(pack(wheels[0], interpreter=None)[".pannier/head"]).libc_version == "2.17"


def test_projects_called_like_our_own_layers_can_be_packed(
    pack: Make, make_wheel: Make, tmp_path: Path
) -> None:
    pack(make_wheel("runtime", {"runtime.py": ""}), make_wheel("program", {"p.py": ""}))
    assert len(reader.verify(tmp_path / "demo.tar.zst").manifest.layers) == 5


def test_two_wheels_of_one_project_are_refused(pack: Make, make_wheel: Make) -> None:
    with pytest.raises(PackError, match="two wheels of `aa`"):
        pack(make_wheel("aa", {"a.py": ""}), make_wheel("aa", {"a.py": ""}, version="2.0"))


@pytest.mark.parametrize("command", ["a b", "../x", "-x", ".x"])
def test_commands_that_the_head_cannot_hold_are_refused(pack: Make, command: str, tmp_path: Path) -> None:
    program = PlannedProgram(command=command, files=(("x.py", tmp_path / "hello.py"),), script="x.py")
    with pytest.raises(PackError):
        pack(program=program)


def test_names_that_the_head_cannot_hold_are_refused(pack: Make) -> None:
    with pytest.raises(PackError, match="cannot be called"):
        pack(name="two\nlines")


def test_frames_are_copied_where_the_kernel_does_not_copy_ranges(
    pack: Make, make_wheel: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(18, "cross-device link")

    wheel = make_wheel("aa", {"aa.bin": os.urandom(3_000_000)})
    pack(wheel)
    first = (tmp_path / "demo.tar.zst").read_bytes()
    monkeypatch.setattr(os, "copy_file_range", refuse)
    pack(wheel)
    assert (tmp_path / "demo.tar.zst").read_bytes() == first

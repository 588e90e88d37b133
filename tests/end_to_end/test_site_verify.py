"""`verify` on a server: whatever is changed, taken away or added among the installed files is named."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.site_bundles import wheel
from tests.end_to_end.test_site_install import MINOR, Server

from pannier.runtime.errors import ArchiveError
from pannier.runtime.site.layout import Site
from pannier.runtime.site.verifying import verify

LISTS = {"files.json", "generation.json", "wheel.json"}
# They say what was done, and are no installed files.
RECORDS = {"log.jsonl", "lock"}


def everything() -> tuple[str, bytes]:
    """A wheel with files of every kind."""
    return wheel(
        "hello",
        "1.0",
        {
            "hello/__init__.py": "version = '1.0'\n\n\ndef main():\n    print('hello')\n",
            "hello/empty.py": "",
            "hello-1.0.data/scripts/helper": "#!python\nprint('help')\n",
            "hello-1.0.data/headers/hello.h": "int hello;\n",
            "hello-1.0.data/data/share/man/man1/hello.1": ".TH hello\n",
        },
        scripts="hello = hello:main",
    )


@pytest.fixture(params=["2.7", MINOR])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    server = Server(tmp_path)
    environment = server.environment("lab", request.param, everything(), aliases=["lab-old"])
    server.run(server.bundle("site.run", environment), "install")
    assert problems(server) == {}
    return server


def problems(server: Server) -> dict[str, str]:
    found: list[dict[str, Any]] = verify(Site(str(server.prefix)))["problems"]
    return {problem["path"]: problem["because"] for problem in found}


def files(server: Server) -> Iterator[Path]:
    for parent, _, names in os.walk(server.prefix):
        for name in names:
            path = Path(parent, name)
            if not path.is_symlink() and name not in RECORDS:
                yield path


def flip(path: Path) -> None:
    """Change one bit in the middle of a file, without changing its times."""
    status = path.stat()
    content = bytearray(path.read_bytes() or b"\0")
    content[len(content) // 2] ^= 1
    with path.open("r+b") as stream:
        stream.write(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_changed_byte_in_any_file_is_named(server: Server) -> None:
    changed = [path for path in files(server) if path.name not in LISTS]
    for path in {path.stat().st_ino: path for path in changed}.values():
        flip(path)
    assert set(problems(server)) == set(map(str, changed))
    kinds = {path.name for path in changed}
    assert {"RECORD", "INSTALLER", "hello", "helper", "hello.h", "hello.1", "lab", "lab-old", "site"} <= kinds


def test_a_changed_byte_in_any_list_of_files_is_named(server: Server) -> None:
    lists = [path for path in files(server) if path.name in LISTS]
    assert {path.name for path in lists} == LISTS
    for path in lists:
        whole = path.read_bytes()
        for place in (whole.index(b"hello") if b"hello" in whole else 20, len(whole) - 20):
            changed = bytearray(whole)
            changed[place] ^= 1
            path.write_bytes(changed)
            assert str(path) in problems(server)
        path.write_bytes(whole)
    assert problems(server) == {}


def test_a_generation_that_cannot_be_read_is_named(server: Server) -> None:
    path = server.prefix / "generations" / "1" / "generation.json"
    path.write_bytes(path.read_bytes()[1:])
    with pytest.raises(ArchiveError) as caught:
        problems(server)
    assert caught.value.facts["path"] == str(path)


def test_a_link_that_leads_elsewhere_is_named(server: Server) -> None:
    links = [path for path in [*server.prefix.rglob("*"), *server.bin.iterdir()] if path.is_symlink()]
    assert {server.bin / "lab-old", server.prefix / "site", server.prefix / "current"} <= set(links)
    links.remove(server.prefix / "current")
    for link in [server.prefix / "current", *links]:
        link.unlink()
        link.symlink_to(f"{server.root}/elsewhere/1")
        if link.name == "current":
            assert problems(server)[str(link)] == "it leads elsewhere"
    assert set(problems(server)) == {str(link) for link in [server.prefix / "current", *links]}


def test_what_was_added_or_taken_away_is_named(server: Server) -> None:
    owned = [
        server.prefix / "generations",
        server.prefix / ".site" / "pool",
        server.prefix / ".site/installers",
    ]
    directories = [
        parent for root in owned for parent in root.rglob("*") if parent.is_dir() and not parent.is_symlink()
    ]
    directories = [
        parent for parent in directories if parent.parent not in owned[1:2] or parent.name != "pool"
    ]
    for directory in directories:
        (directory / "stranger.pth").write_text("import os\n")
    assert {path for path, because in problems(server).items() if "brought" in because} == {
        str(directory / "stranger.pth") for directory in directories
    }
    for directory in directories:
        (directory / "stranger.pth").unlink()
    (server.bin / "lab-older").symlink_to(server.prefix / "current" / "bin" / "lab-older")
    script = server.prefix / "current" / "lab" / "bin" / "hello"
    script.chmod(0o644)
    module = next((server.prefix / "generations").rglob("hello/empty.py"))
    module.unlink()
    found = problems(server)
    assert found[str(server.bin / "lab-older")] == "no environment in force has this name"
    assert found[str(script.resolve())] == "it cannot be run"
    assert found[str(module)] == "it is missing"
    assert len(found) == 3
    said = server.site("verify", status=1).stdout
    assert f"{module}: it is missing" in said
    assert "3 are not as installed" in said


def test_byte_code_counts_where_it_belongs_to_a_module_that_was_installed(server: Server) -> None:
    lines = (
        "import os, subprocess, sys",
        "os.environ.pop('PYTHONDONTWRITEBYTECODE', None)",
        "subprocess.check_call([sys.executable, '-O', '-c', 'import hello'])",
    )
    server.python("lab", "; ".join(lines))
    optimised = [path for path in files(server) if path.suffix == ".pyo" or ".opt-1." in path.name]
    assert optimised
    assert problems(server) == {}
    packages = optimised[0].parent
    for name in ("evil.pyc", "hello/evil.pyo", "__pycache__/evil.cpython-36.pyc"):
        (packages / name).parent.mkdir(exist_ok=True)
        (packages / name).write_bytes(b"\0")
    assert len(problems(server)) == 3


def test_the_same_is_found_without_the_bundle_by_any_python(server: Server) -> None:
    flip(next((server.prefix / "generations").rglob("INSTALLER")))
    for python in {sys.executable, *("/usr/bin/python3",) * Path("/usr/bin/python3").exists()}:
        said = server.run(
            "-c", f"PATH={Path(python).parent}:$PATH {server.prefix}/site verify --json", status=1
        ).stdout
        assert [problem["because"] for problem in json.loads(said)["result"]["problems"]] == [
            "its content is another"
        ]

import hashlib
import io
import lzma
import tarfile
from pathlib import Path

import pytest
from tests.unit.pack.conftest import Listener
from tests.unit.pack.system_making import DATE, contents, facts

from pannier.formats.python_reach import Reach
from pannier.model.errors import UsageError
from pannier.model.target import Platform
from pannier.pack.debian import write_debian_package
from pannier.pack.image_needs import BinaryNeeds
from pannier.pack.system_package import SystemContents

COMPILED = BinaryNeeds(is_compiled=True, glibc="2.17")


def members_of(path: Path) -> dict[str, bytes]:
    """The members of an `ar` archive (deb(5)), read here byte by byte."""
    data = path.read_bytes()
    assert data.startswith(b"!<arch>\n")
    found, place = {}, 8
    while place < len(data):
        header = data[place : place + 60]
        assert header[58:] == b"`\n"
        assert int(header[16:28]) == DATE
        size = int(header[48:58])
        found[header[:16].decode().strip()] = data[place + 60 : place + 60 + size]
        place += 60 + size + size % 2
    return found


def files_of(archive: bytes) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(archive))) as tar:
        return {
            member.name: (member, tar.extractfile(member).read() if member.isreg() else b"")  # type: ignore[union-attr]
            for member in tar
        }


def control_of(path: Path) -> dict[str, str]:
    text = files_of(members_of(path)["control.tar.xz"])["./control"][1].decode()
    return dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith(" "))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "tool.deb"


def test_a_package_is_its_version_its_control_files_and_its_data(output: Path, listener: Listener) -> None:
    written = write_debian_package(contents(), output, listener)
    assert (written.version, written.architecture) == ("1.0~rc1-1", "all")
    assert written.size == output.stat().st_size
    members = members_of(output)
    assert list(members) == ["debian-binary", "control.tar.xz", "data.tar.xz"]
    assert members["debian-binary"] == b"2.0\n"
    data = files_of(members["data.tar.xz"])
    command, text = data["./usr/bin/tool"]
    assert (command.mode, command.uname, command.mtime, text) == (0o755, "root", DATE, b"#!/bin/sh\n")
    assert {member.mtime for member, _ in data.values()} == {DATE}
    control = files_of(members["control.tar.xz"])
    assert set(control) == {".", "./control", "./md5sums", "./postinst", "./prerm"}
    for line in control["./md5sums"][1].decode().splitlines():
        digest, name = line.split("  ")
        assert digest == hashlib.md5(data[f"./{name}"][1]).hexdigest()


def test_the_control_file_says_what_is_known(output: Path, listener: Listener) -> None:
    write_debian_package(contents(facts=facts(homepage="https://example.org")), output, listener)
    control = control_of(output)
    assert control["Package"] == "tool"
    assert control["Depends"] == "python3 (>= 3.7)"
    assert control["Homepage"] == "https://example.org"
    assert control["Description"] == "tool that greets"
    assert int(control["Installed-Size"]) > 10


@pytest.mark.parametrize(
    ("more", "depends"),
    [
        ({}, ("python3 (>= 3.7)",)),
        ({"reach": Reach(11, 12)}, ("python3 (>= 3.11)", "python3 (<< 3.12)")),
        ({"reach": None}, ()),
        ({"reach": None, "binary": COMPILED}, ("libc6 (>= 2.17)",)),
        ({"reach": None, "binary": BinaryNeeds(is_compiled=True)}, ("libc6",)),
        (
            {"binary": COMPILED._replace(libraries=("libX11.so.6", "libz.so.1"))},
            ("python3 (>= 3.7)", "libc6 (>= 2.17)", "libx11-6", "zlib1g"),
        ),
        ({"facts": facts(depends=("git", "python3 (>= 3.7)"))}, ("python3 (>= 3.7)", "git")),
    ],
)
def test_it_depends_on_what_it_needs_and_on_nothing_twice(
    output: Path, listener: Listener, more: dict[str, object], depends: tuple[str, ...]
) -> None:
    assert write_debian_package(contents(**more), output, listener).depends == depends
    assert not listener.warnings


def test_a_library_nobody_knows_a_package_of_is_named(output: Path, listener: Listener) -> None:
    needs = COMPILED._replace(libraries=("libodd.so.1", "libz.so.1"))
    written = write_debian_package(contents(binary=needs), output, listener)
    assert "zlib1g" in written.depends
    (warning,) = listener.warnings
    assert warning.code == "package-library-unknown"
    assert warning.facts == {"libraries": ["libodd.so.1"]}


def test_compiled_files_tie_a_package_to_one_architecture(output: Path, listener: Listener) -> None:
    platform = Platform.parse("linux-aarch64")
    native = contents(platform=platform, binary=COMPILED)
    assert write_debian_package(native, output, listener).architecture == "arm64"
    assert write_debian_package(contents(platform=platform), output, listener).architecture == "all"
    unknown = contents(platform=platform._replace(architecture="sparc64"), binary=COMPILED)
    with pytest.raises(UsageError) as caught:
        write_debian_package(unknown, output.with_name("other.deb"), listener)
    assert caught.value.code == "package-architecture"
    assert not output.with_name("other.deb").exists()


def own_files(of: SystemContents, output: Path, listener: Listener) -> dict[str, bytes]:
    write_debian_package(of, output, listener)
    data = files_of(members_of(output)["data.tar.xz"])
    known = {f"./{item.name}" for item in of.items}
    return {
        name.removeprefix("./"): text
        for name, (member, text) in data.items()
        if member.isreg() and name not in known
    }


def test_the_hook_is_there_where_another_minor_of_python_may_come(output: Path, listener: Listener) -> None:
    hook = "usr/share/python3/runtime.d/tool.rtupdate"
    documents = {"usr/share/doc/tool/changelog.Debian.gz", "usr/share/doc/tool/copyright"}
    assert set(own_files(contents(), output, listener)) == {*documents, hook}
    assert hook in own_files(contents(reach=Reach(7, 9)), output, listener)
    assert set(own_files(contents(reach=Reach(11, 12)), output, listener)) == documents


def test_lintian_is_told_what_an_interpreter_inside_cannot_be_without(
    output: Path, listener: Listener
) -> None:
    place = "usr/share/lintian/overrides/tool"
    wheels = own_files(contents(binary=COMPILED), output, listener)[place].decode().splitlines()
    whole = own_files(contents(binary=COMPILED, reach=None), output, listener)[place].decode().splitlines()
    assert "tool: embedded-library" in wheels
    assert "tool: interpreter-in-usr-local" not in wheels
    assert set(wheels) < set(whole)
    assert len(whole) == len(set(whole))
    assert place not in own_files(contents(), output, listener)


def test_the_same_contents_give_the_same_bytes(tmp_path: Path, listener: Listener) -> None:
    one, two = tmp_path / "one.deb", tmp_path / "two.deb"
    write_debian_package(contents(), one, listener)
    write_debian_package(contents(items=tuple(reversed(contents().items))), two, listener)
    assert one.read_bytes() == two.read_bytes()

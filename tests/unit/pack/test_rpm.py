"""What is decided before `rpmbuild` is called: a stand-in for it keeps what it was given."""

import shutil
import tarfile
from pathlib import Path

import pytest
from tests.unit.pack.conftest import Listener
from tests.unit.pack.system_making import DATE, contents, facts

from pannier.formats.python_reach import Reach
from pannier.model.errors import PackError
from pannier.pack.image_needs import BinaryNeeds
from pannier.pack.rpm import write_rpm_package

COMPILED = BinaryNeeds(is_compiled=True, libraries=("libz.so.1",), glibc="2.17")
SCRIPT = """\
#!/bin/sh
mkdir -p RPMS/any
cp package.spec files.tar '{kept}'
printf '%s\\n' "$@" >'{kept}/arguments'
env >'{kept}/environment'
{end}
"""


@pytest.fixture
def rpmbuild(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory where what an `rpmbuild` was given is kept; it writes a package of three letters."""
    return make_rpmbuild(tmp_path, monkeypatch, "printf rpm >RPMS/any/made.rpm")


def make_rpmbuild(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str) -> Path:
    kept = tmp_path / "kept"
    kept.mkdir()
    program = tmp_path / "rpmbuild"
    program.write_text(SCRIPT.format(kept=kept, end=end))
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(program))
    return kept


def test_all_that_rpmbuild_says_is_what_it_was_given(
    rpmbuild: Path, tmp_path: Path, listener: Listener
) -> None:
    written = write_rpm_package(contents(), tmp_path / "tool.rpm", listener)
    assert (tmp_path / "tool.rpm").read_bytes() == b"rpm"
    assert (written.version, written.architecture, written.size) == ("1.0~rc1-1", "noarch", 3)
    arguments = (rpmbuild / "arguments").read_text().splitlines()
    assert arguments[:5] == ["-bb", "--quiet", "--nodeps", "--target", "noarch-linux"]
    environment = dict(line.split("=", 1) for line in (rpmbuild / "environment").read_text().splitlines())
    assert environment["SOURCE_DATE_EPOCH"] == str(DATE)
    assert environment["HOME"] != str(Path.home()), "nothing of who builds"
    with tarfile.open(rpmbuild / "files.tar") as archive:
        assert "./usr/share/licenses/tool/LICENSE" in archive.getnames()


def test_it_owns_its_own_directories_and_none_of_the_systems(
    rpmbuild: Path, tmp_path: Path, listener: Listener
) -> None:
    write_rpm_package(contents(), tmp_path / "tool.rpm", listener)
    spec = (rpmbuild / "package.spec").read_text()
    owned = spec.partition("%defattr(-,root,root,-)\n")[2].split()
    assert owned == ['"/usr/bin/tool"', '"/usr/lib/tool"', '"/usr/share/licenses/tool"']


@pytest.mark.parametrize(
    ("more", "requires"),
    [
        ({}, ("/bin/sh", "python3 >= 3.7")),
        ({"reach": Reach(11, 12)}, ("/bin/sh", "python3 >= 3.11", "python3 < 3.12")),
        ({"reach": None}, ("/bin/sh",)),
        (
            {"reach": None, "binary": COMPILED},
            ("/bin/sh", "libc.so.6(GLIBC_2.17)(64bit)", "libz.so.1()(64bit)"),
        ),
        ({"facts": facts(depends=("git", "/bin/sh"))}, ("/bin/sh", "python3 >= 3.7", "git")),
    ],
)
def test_it_requires_what_it_needs_and_nothing_twice(
    rpmbuild: Path, tmp_path: Path, listener: Listener, more: dict[str, object], requires: tuple[str, ...]
) -> None:
    assert write_rpm_package(contents(**more), tmp_path / "tool.rpm", listener).depends == requires
    spec = (rpmbuild / "package.spec").read_text()
    assert [line.split(": ", 1)[1] for line in spec.splitlines() if line.startswith("Requires: ")] == list(
        requires
    )


def test_an_epoch_stands_before_the_version(rpmbuild: Path, tmp_path: Path, listener: Listener) -> None:
    written = write_rpm_package(
        contents(facts=facts(version="2!1.0"), binary=COMPILED), tmp_path / "tool.rpm", listener
    )
    assert (written.version, written.architecture) == ("2:1.0-1", "x86_64")
    assert "Epoch: 2\n" in (rpmbuild / "package.spec").read_text()


def test_where_rpmbuild_fails_what_it_said_is_told_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listener: Listener
) -> None:
    make_rpmbuild(tmp_path, monkeypatch, "echo odd >&2; exit 3")
    with pytest.raises(PackError) as caught:
        write_rpm_package(contents(), tmp_path / "tool.rpm", listener)
    assert caught.value.code == "rpmbuild-failed"
    assert caught.value.facts == {"status": "3", "said": "odd"}
    assert not (tmp_path / "tool.rpm").exists()


def test_a_machine_without_rpmbuild_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listener: Listener
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(PackError) as caught:
        write_rpm_package(contents(), tmp_path / "tool.rpm", listener)
    assert caught.value.code == "rpmbuild-missing"
    assert "rpm-build" in caught.value.hint

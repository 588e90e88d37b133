"""What is brought on first start: where from, and how a wheel is laid out."""

import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.runtime.vendored import fetching


def make_wheel(path: Path, *names: str) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return str(path)


def test_a_wheel_is_laid_out_as_in_a_directory_of_modules(tmp_path: Path) -> None:
    wheel = make_wheel(
        tmp_path / "a-1-py3-none-any.whl",
        "a/__init__.py",
        "a/__pycache__/b.pyc",
        "a-1.data/purelib/b.py",
        "a-1.data/scripts/tool",
        "a-1.data/data/share/a.txt",
        "a-1.data/headers/a.h",
        "a-1.dist-info/METADATA",
    )
    fetching.unpack(wheel, str(tmp_path / "out"))
    found = sorted(
        str(path.relative_to(tmp_path / "out")) for path in tmp_path.rglob("out/**/*") if path.is_file()
    )
    assert found == ["a-1.dist-info/METADATA", "a/__init__.py", "b.py", "bin/tool", "share/a.txt"]
    assert (tmp_path / "out" / "bin" / "tool").stat().st_mode & 0o100


@pytest.mark.parametrize(
    "name", ["../x.py", "/x.py", "a/../../x.py", "a\\..\\x.py", "a-1.data/purelib/../../x.py"]
)
def test_a_member_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    wheel = make_wheel(tmp_path / "a-1-py3-none-any.whl", name)
    with pytest.raises(fetching.ProvisionError, match="which no wheel may"):
        fetching.unpack(wheel, str(tmp_path / "out"))
    assert [path.name for path in tmp_path.rglob("x.py")] == []


@given(st.binary(max_size=200))
def test_damaged_wheels_are_told_as_such(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    directory = tmp_path_factory.mktemp("damaged")
    path = directory / "a-1-py3-none-any.whl"
    path.write_bytes(data)
    with pytest.raises(fetching.ProvisionError, match="is damaged"):
        fetching.unpack(str(path), str(directory / "out"))


@pytest.mark.parametrize(
    ("environ", "mirrors"),
    [
        ({"PIP_INDEX_URL": "https://a/simple"}, ["https://a/simple"]),
        ({"UV_DEFAULT_INDEX": "team=https://b/simple"}, ["https://b/simple"]),
        ({"UV_DEFAULT_INDEX": "https://b/simple?x=y"}, ["https://b/simple?x=y"]),
        ({"UV_INDEX_URL": "https://c/simple?x=y"}, ["https://c/simple?x=y"]),
        ({"PIP_CONFIG_FILE": "/dev/null"}, []),
    ],
)
def test_the_mirror_is_that_of_pip_or_uv(environ: dict[str, str], mirrors: list[str]) -> None:
    assert fetching.mirrors_of(environ) == mirrors


def test_the_mirror_may_stand_in_the_file_of_pip(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://d/100%/simple\n")
    assert fetching.mirrors_of({"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}) == ["https://d/100%/simple"]
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "pip.conf").write_text("not = in a section\n")
    (tmp_path / "pip.conf").write_bytes(b"\xff\xfe")
    broken = {
        "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"),
        "XDG_CONFIG_HOME": str(tmp_path),
        "HOME": str(tmp_path),
    }
    assert fetching.mirrors_of(broken) == fetching.mirrors_of({**broken, "XDG_CONFIG_HOME": "/nowhere"})


def test_passwords_go_to_their_own_host_and_are_not_shown() -> None:
    page = "https://me:se%40cret@host/simple/leaf/"
    assert (
        fetching._with_password_of("https://host/files/a.whl", page)
        == "https://me:se%40cret@host/files/a.whl"
    )
    assert fetching._with_password_of("https://other/files/a.whl", page) == "https://other/files/a.whl"
    assert fetching._without_password(page) == "https://host/simple/leaf/"
    assert fetching._login_of(urlsplit(page)) == ("me", "se@cret")

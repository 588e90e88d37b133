"""The index to release to is found in the user's own configuration, with its credentials."""

from pathlib import Path

import pytest

from pannier.model.errors import SpecError, UsageError
from pannier.model.release import Credentials, ReleaseIndex
from pannier.release.indexes import find_index, with_index

PYPIRC = """\
[distutils]
index-servers =
    team
    open

[team]
repository = https://index.example/team/legacy/
username = ann
password = from-pypirc

[open]
repository = https://index.example/open
"""


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twine.auth.keyring", None)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".pypirc").write_text(PYPIRC)
    return tmp_path


def find(home: Path, name: str, entry: dict[str, str] | None = None, **environ: str) -> ReleaseIndex:
    return find_index(name, entry or {}, None, (), {"HOME": str(home), **environ})


def test_a_section_of_pypirc_is_read(home: Path) -> None:
    index = find(home, "team")
    assert index.upload_url == "https://index.example/team/legacy/"
    assert index.simple_urls[0] == "https://index.example/team/simple/"
    assert index.credentials == ("ann", "from-pypirc")


@pytest.mark.parametrize(
    ("upload", "simple"),
    [
        ("https://upload.index.example/legacy/", "https://index.example/simple/"),
        ("https://index.example/", "https://index.example/simple/"),
        ("https://index.example/api/packages/pypi", "https://index.example/api/packages/simple/"),
        ("https://index.example/user/dev/", "https://index.example/user/dev/+simple/"),
        ("https://index.example:8080/root/", "https://index.example:8080/root/simple/"),
    ],
)
def test_where_the_simple_api_is_follows_from_where_uploads_go(
    upload: str, simple: str, tmp_path: Path
) -> None:
    assert simple in find(tmp_path, "x", {"upload_url": upload}).simple_urls


def test_what_pannier_toml_says_is_the_only_place_and_pypirc_fills_in_the_rest(home: Path) -> None:
    index = find(home, "team", {"url": "https://mirror.example/simple"})
    assert index.simple_urls == ("https://mirror.example/simple/",)
    assert index.upload_url == "https://index.example/team/legacy/"


def test_an_index_with_a_simple_api_alone_takes_uploads_above_it(tmp_path: Path) -> None:
    index = find(tmp_path, "x", {"url": "https://ann:pw@index.example/root/simple/"})
    assert index.upload_url == "https://index.example/root/"
    assert index.credentials == ("ann", "pw")


def test_nearer_credentials_win(home: Path) -> None:
    assert find(home, "team", {"password": "own"}).credentials == ("ann", "own")
    assert find(home, "team", TWINE_PASSWORD="twine").credentials == ("ann", "twine")
    assert find(home, "open").credentials == ("", "")


def test_the_keyring_is_asked_where_nothing_nearer_knows(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Keyring:
        def get_password(self, system: str, username: str) -> str:
            return f"{username} at {system}"

    monkeypatch.setattr("twine.auth.keyring", Keyring())
    monkeypatch.setattr("twine.auth.NoKeyringError", LookupError)
    found = find(home, "open", {"username": "ann"}).credentials
    assert found == ("ann", "ann at https://index.example/open")


def test_credentials_are_not_shown(home: Path) -> None:
    assert "from-pypirc" not in repr(find(home, "team"))


def test_a_name_that_nothing_knows_is_refused_with_those_that_are(home: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find(home, "other")
    assert {"team", "open"} <= set(caught.value.facts["known"])


@pytest.mark.parametrize("url", ["index.example", "ftp://index.example/", "https://", "http://[::1"])
def test_a_url_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        find(tmp_path, "x", {"upload_url": url})


def test_a_pypirc_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".pypirc").write_text("not a section\n")
    with pytest.raises(SpecError) as caught:
        find(tmp_path, "x")
    assert caught.value.code == "settings-invalid"


def test_uv_is_told_of_the_index_with_its_credentials() -> None:
    index = ReleaseIndex("x", "u", ("s",), Credentials("ann", "p@ss/"))
    told = with_index({"UV_INDEX": "https://a/"}, index, "https://index.example/simple/")
    assert told["UV_INDEX"] == "https://ann:p%40ss%2F@index.example/simple/ https://a/"

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.formats import htpasswd
from pannier.formats.htpasswd import hash_password
from pannier.model.errors import SpecError
from pannier.server import accounts
from pannier.server.accounts import Passwords, WatchedFile, parse_authorization
from pannier.server.rights import parse_rights


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were checked at the cost of their hash."""
    checked: list[str] = []

    def check(password: str, password_hash: str) -> bool:
        checked.append(password)
        return htpasswd.check_password(password, password_hash)

    monkeypatch.setattr(accounts, "check_password", check)
    return checked


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "htpasswd"
    path.write_text(f"alice:{hash_password('secret', rounds=4)}\n")
    return path


def test_a_password_costs_its_hash_once(file: Path, checks: list[str]) -> None:
    passwords = Passwords(file)
    assert not passwords.is_remembered("alice", "secret")
    assert all(passwords.check("alice", "secret") for _ in range(60))
    assert checks == ["secret"]
    assert passwords.is_remembered("alice", "secret")
    assert not passwords.is_remembered("alice", "secret2")
    assert not passwords.is_remembered("bob", "secret")


def test_a_wrong_password_is_never_remembered(file: Path, checks: list[str]) -> None:
    passwords = Passwords(file)
    assert not passwords.check("alice", "wrong")
    assert not passwords.check("alice", "wrong")
    assert checks == ["wrong", "wrong"]


def test_somebody_unknown_costs_as_much_as_somebody_known(file: Path, checks: list[str]) -> None:
    assert not Passwords(file).check("nobody", "secret")
    assert checks == ["secret"]


def test_an_edited_line_is_asked_for_again(file: Path, checks: list[str]) -> None:
    passwords = Passwords(file)
    assert passwords.check("alice", "secret")
    file.write_text(f"# new\nalice:{hash_password('secret', rounds=4)}\n")
    assert not passwords.is_remembered("alice", "secret")
    assert passwords.check("alice", "secret")
    file.write_text("")
    assert not passwords.check("alice", "secret")
    file.unlink()
    assert not passwords.check("alice", "secret")


def test_no_password_is_kept_in_the_clear(file: Path) -> None:
    passwords = Passwords(file)
    passwords.check("alice", "secret")
    assert not any(b"secret" in digest for digest in passwords._right)


def test_a_file_that_breaks_keeps_saying_what_it_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rights"
    path.write_text('rights = [{ who = "a", may = "list" }]')
    watched = WatchedFile(path, lambda text: parse_rights(text, where=str(path)))
    before = watched.read()
    path.write_text("rights = [")
    assert [watched.read(), watched.read()] == [before, before]
    assert caplog.text.count("cannot be read") == 1
    path.write_bytes(b"\xff\xfe\xff")
    assert watched.read() == before
    with pytest.raises(SpecError):
        WatchedFile(path, lambda _: parse_rights("rights = [", where="x")).read() if path.write_text(
            "x"
        ) else None


def test_a_file_that_could_not_be_read_for_a_while_is_read_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    watched = WatchedFile(path, str)
    assert watched.read() == "one"
    path.write_text("another")
    with monkeypatch.context() as broken:
        broken.setattr(Path, "read_text", lambda *_: (_ for _ in ()).throw(PermissionError()))
        assert watched.read() == "one"
    assert watched.read() == "another"


@pytest.mark.parametrize(
    ("header", "credentials"),
    [
        ("Basic " + base64.b64encode(b"alice:a:b").decode(), ("alice", "a:b")),
        ("basic  " + base64.b64encode("é:ü".encode()).decode(), ("é", "ü")),
        ("Basic " + base64.b64encode("é:ü".encode("latin-1")).decode(), ("é", "ü")),
        ("Basic " + base64.b64encode(b"__token__:pannier-x").decode(), ("__token__", "pannier-x")),
        ("Bearer pannier-x", ("__token__", "pannier-x")),
        ("Basic " + base64.b64encode(b"alice").decode(), None),
        ("Basic !!", None),
        ("Basic", None),
        ("Bearer ", None),
        ("Digest x", None),
        ("", None),
    ],
)
def test_an_authorization_is_read(header: str, credentials: tuple[str, str] | None) -> None:
    assert parse_authorization(header) == credentials


@given(st.text(max_size=60))
def test_any_authorization_is_read_or_none(header: str) -> None:
    for scheme in ("", "Basic ", "Bearer "):
        found = parse_authorization(scheme + header)
        assert found is None or isinstance(found.secret, str)

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pannier.model.errors import SpecError, UsageError
from pannier.server.tokens import PREFIX, Token, Tokens, format_tokens, parse_expiry, parse_tokens

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def token(name: str = "ci", **more: object) -> Token:
    return Token(name, "alice", "", NOW.isoformat())._replace(**more)


def test_a_token_is_found_by_its_secret_which_is_written_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "own" / "tokens.json"
    secret = Tokens(path).create(token())
    assert secret.startswith(PREFIX)
    assert secret.removeprefix(PREFIX) not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    found = Tokens(path).find(secret, NOW)
    assert found is not None
    assert (found.name, found.user) == ("ci", "alice")
    for other in (secret + "x", secret[:-1], "", PREFIX, found.digest, "x" * 50):
        assert Tokens(path).find(other, NOW) is None


def test_a_revoked_token_is_good_for_nothing_at_once(tmp_path: Path) -> None:
    served, path = Tokens(tmp_path / "tokens.json"), tmp_path / "tokens.json"
    first, second = served.create(token("one")), served.create(token("two"))
    assert served.find(first, NOW)
    Tokens(path).revoke("one")
    assert served.find(first, NOW) is None
    assert served.find(second, NOW)
    with pytest.raises(UsageError, match="no token `one`"):
        served.revoke("one")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_writes_the_servers_user_can_read(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    Tokens(tmp_path / "tokens.json").create(token())
    assert (tmp_path / "tokens.json").stat().st_uid == 12345


def test_names_are_unique(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    tokens.create(token())
    with pytest.raises(UsageError, match="already"):
        tokens.create(token())
    assert len(tokens.list()) == 1


def test_tokens_made_at_once_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    with ThreadPoolExecutor(8) as pool:
        secrets = list(pool.map(lambda number: Tokens(path).create(token(str(number))), range(16)))
    assert all(Tokens(path).find(secret, NOW) for secret in secrets)


def test_a_token_expires(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    secret = tokens.create(token(expires=parse_expiry("1d", NOW)))
    assert tokens.find(secret, NOW + timedelta(hours=23))
    assert tokens.find(secret, NOW + timedelta(days=1)) is None


@pytest.mark.parametrize(
    ("text", "expiry"),
    [
        ("2027-01-31", "2027-01-31T00:00:00+00:00"),
        ("2027-01-31T12:00:00+02:00", "2027-01-31T10:00:00+00:00"),
        ("90d", "2026-04-02T03:04:05+00:00"),
    ],
)
def test_when_a_token_expires_is_a_date_or_days(text: str, expiry: str) -> None:
    assert parse_expiry(text, NOW) == expiry


@pytest.mark.parametrize("text", ["", "soon", "2020-01-01", "d", "-1d", "99999999999d"])
def test_what_is_no_time_to_come_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_expiry(text, NOW)


def test_a_token_grants_no_more_than_it_says() -> None:
    limited = token(projects=("particle-*",), may=("update",))
    assert limited.grants("update", "particle-core")
    assert limited.grants("update", "")
    assert not limited.grants("update", "other")
    assert not limited.grants("remove", "particle-core")


def test_a_file_of_tokens_is_read_as_it_was_written() -> None:
    given = (
        token("a", digest="00"),
        token("b", digest="11", projects=("x",), expires="2027-01-01T00:00:00+00:00"),
    )
    assert tuple(parse_tokens(format_tokens(given), where="x").values()) == given
    assert parse_tokens("", where="x") == {}


WRONG_EXPIRY = '{"name": "a", "user": "", "digest": "", "created": "", "expires": "x"}'


@pytest.mark.parametrize(
    "text",
    ["{}", "[]", "x", '{"version": 2, "tokens": []}', '{"version": 1, "tokens": [{}]}',
     f'{{"version": 1, "tokens": [{WRONG_EXPIRY}]}}'],
)  # fmt: skip
def test_what_is_no_file_of_tokens_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        parse_tokens(text, where="tokens.json")

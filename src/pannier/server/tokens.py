"""Tokens that act in a user's name: shown once, kept as hashes, limited, and revoked one by one."""

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pannier.model.errors import SpecError, UsageError
from pannier.server.accounts import WatchedFile
from pannier.server.messages import Identity
from pannier.server.ownership import follow_owner
from pannier.server.rights import Grants, Rule

PREFIX = "pannier-"
"""How every token begins, so that programs that look for leaked secrets can find them."""
_FORMAT = 1


class Token(NamedTuple):
    """What is kept of a token.

    Attributes:
        name: Unique in the file; to list and revoke it by.
        user: In whose name it acts, with that user's rights and no more.
        digest: SHA-256 of the token, in hexadecimal.
        created: When, in UTC (ISO 8601).
        expires: From when it is good for nothing, likewise; empty for never.
        projects: Patterns of the normalized names that it may act on.
        may: Rights that it has, of those of its user.
    """

    name: str
    user: str
    digest: str
    created: str
    expires: str = ""
    projects: tuple[str, ...] = ("*",)
    may: tuple[str, ...] = ("list", "download", "update")

    def grants(self, right: str, project: str) -> bool:
        """Tell whether the token itself lets its user do this; the user's rights are another question."""
        limits = Grants(rules=(Rule(("*",), self.projects, frozenset(self.may)),))
        return limits.allows(Identity(self.user), right, project)

    def is_expired(self, now: datetime) -> bool:
        """Tell whether its time is over."""
        return bool(self.expires) and now >= datetime.fromisoformat(self.expires)


class Tokens:
    """The tokens of one file.

    Args:
        path: The file; made when the first token is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = WatchedFile(path, lambda text: parse_tokens(text, where=str(path)))

    @classmethod
    def beside(cls, directory: Path) -> "Tokens":
        """The tokens of the index whose first directory this is."""
        return cls(directory / ".pannier" / "tokens.json")

    def exist(self) -> bool:
        """Whether any was ever made."""
        return self._path.exists()

    def list(self) -> tuple[Token, ...]:
        """All tokens, in the order they were made."""
        return tuple(self._file.read().values())

    def find(self, secret: str, now: datetime) -> Token | None:
        """The token that is good at this time, or none."""
        token = self._file.read().get(_digest(secret)) if secret.startswith(PREFIX) else None
        return None if token is None or token.is_expired(now) else token

    def create(self, token: Token) -> str:
        """Keep a token; give the secret, which nobody can tell a second time.

        Args:
            token: Without its digest.

        Raises:
            UsageError: There is one of this name.
            StorageError: The file cannot be written.
        """
        secret = PREFIX + secrets.token_urlsafe(32)
        with _locked(self._path):
            tokens = self.list()
            if any(other.name == token.name for other in tokens):
                raise UsageError(
                    f"there is a token `{token.name}` already",
                    code="token-exists",
                    hint=f"`pannier serve token revoke {token.name}` removes it; or give another `--name`",
                )
            self._write((*tokens, token._replace(digest=_digest(secret))))
        return secret

    def revoke(self, name: str) -> Token:
        """Forget a token, at once for every server that uses the file.

        Raises:
            UsageError: There is none of this name.
            StorageError: The file cannot be written.
        """
        with _locked(self._path):
            tokens = self.list()
            found = next((token for token in tokens if token.name == name), None)
            if found is None:
                raise UsageError(
                    f"there is no token `{name}`",
                    code="no-such-token",
                    facts={"tokens": [token.name for token in tokens] or "none"},
                )
            self._write(token for token in tokens if token.name != name)
        return found

    def _write(self, tokens: Iterable[Token]) -> None:
        from pannier.store.writing import write_whole

        write_whole(self._path, format_tokens(tokens).encode(), mode=0o600, durable=True)
        follow_owner(self._path)


def parse_tokens(text: str, *, where: str) -> dict[str, Token]:
    """Read a file of tokens; give them by their digests.

    Raises:
        SpecError: It is none, or one of a later format.
    """
    if not text.strip():
        return {}
    try:
        document = json.loads(text)
        version = document["version"]
        tokens = [_parse_token(entry) for entry in document["tokens"]] if version == _FORMAT else []
    except (ValueError, KeyError, TypeError) as error:
        raise SpecError(
            f"`{where}` is no file of tokens", code="tokens-invalid", facts={"reason": str(error)}
        ) from None
    if version != _FORMAT:
        raise SpecError(
            f"`{where}` is of format version {version}, which this Pannier does not know",
            code="tokens-invalid",
            facts={"known": str(_FORMAT)},
        )
    return {token.digest: token for token in tokens}


def _parse_token(entry: dict[str, Any]) -> Token:
    fields = {name: entry[name] for name in Token._fields if name in entry}
    for name in ("projects", "may"):
        if name in fields:
            fields[name] = tuple(fields[name])
    token = Token(**fields)
    if token.expires:
        datetime.fromisoformat(token.expires)
    return token


def format_tokens(tokens: Iterable[Token]) -> str:
    """Write a file of tokens."""
    document = {"version": _FORMAT, "tokens": [token._asdict() for token in tokens]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def parse_expiry(text: str, now: datetime) -> str:
    """Read when a token expires: a date, or a number of days such as `90d`; give it as ISO 8601 in UTC.

    Raises:
        UsageError: It is neither, or over.
    """
    from datetime import timedelta

    try:
        if text.endswith("d") and text[:-1].isdigit():
            moment = now + timedelta(days=int(text[:-1]))
        else:
            moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(
            f"`{text}` is no time to expire at", hint="write a date such as 2027-01-31, or days such as 90d"
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= now:
        raise UsageError(f"`{text}` is over", hint="name a time to come")
    return moment.astimezone(UTC).isoformat(timespec="seconds")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time change what lies in a file's directory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()

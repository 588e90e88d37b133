"""Who may use an index: tokens, and the passwords in its password file."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pannier.model.errors import UsageError

if TYPE_CHECKING:
    from pannier.server.settings import ServeSettings
    from pannier.server.tokens import Token, Tokens

MIN_PASSWORD = 8
"""Letters that a password has at least."""


class CreatedToken(NamedTuple):
    """A token that was just made.

    Attributes:
        token: What is kept of it.
        secret: The token itself, which nobody can show a second time.
    """

    token: "Token"
    secret: str


def create_token(
    settings: "ServeSettings",
    user: str,
    *,
    name: str = "",
    projects: Sequence[str] = (),
    may: Sequence[str] = (),
    expires: str = "",
) -> CreatedToken:
    """Make a token that acts in a user's name.

    Args:
        settings: Of the index.
        user: Who needs to be in the password file, where there is one.
        name: To know it by; made of the user's name when empty.
        projects: Patterns of the names of projects that it is good for; none for all.
        may: Its rights, of those that the user has; none for list, download and upload.
        expires: A date, or days such as `90d`; empty for never.

    Raises:
        UsageError: Something cannot be so, or the name is taken.
        SpecError: The file of tokens is not valid.
        StorageError: It cannot be written.
    """
    from pannier.server.rights import RIGHTS, normalize_pattern
    from pannier.server.tokens import Token, parse_expiry

    now = datetime.now(UTC)
    tokens = _tokens(settings)
    rights = tuple("update" if right == "upload" else right for right in may) or (
        "list",
        "download",
        "update",
    )
    unknown = sorted(set(rights) - set(RIGHTS))
    if unknown:
        raise UsageError(f"`{unknown[0]}` is no right", facts={"rights": "list, download, upload, remove"})
    _check_user(settings, user)
    token = Token(
        name=name or _free_name(user, {token.name for token in tokens.list()}),
        user=user,
        digest="",
        created=now.isoformat(timespec="seconds"),
        expires=parse_expiry(expires, now) if expires else "",
        projects=tuple(normalize_pattern(pattern) for pattern in projects) or ("*",),
        may=rights,
    )
    return CreatedToken(token, tokens.create(token))


def list_tokens(settings: "ServeSettings") -> "tuple[Token, ...]":
    """All tokens, in the order they were made.

    Raises:
        SpecError: The file of tokens is not valid.
    """
    return _tokens(settings).list()


def revoke_token(settings: "ServeSettings", name: str) -> "Token":
    """Make a token good for nothing, at once.

    Raises:
        UsageError: There is none of this name.
        StorageError: The file of tokens cannot be written.
    """
    return _tokens(settings).revoke(name)


def set_password(path: Path, user: str, password: str) -> bool:
    """Give a user a password in a password file, which is made when it is not there.

    Args:
        path: The password file; its other lines stay as they are.
        user: The user's name.
        password: The password.

    Returns:
        Whether the user is new.

    Raises:
        UsageError: The name or the password cannot be one.
        StorageError: The file cannot be written.
    """
    from pannier.formats.htpasswd import hash_password
    from pannier.store.writing import write_whole

    if not user or ":" in user or not user.isprintable() or user == "__token__" or user.startswith("#"):
        raise UsageError(f"`{user}` cannot be a user's name")
    if len(password) < MIN_PASSWORD:
        raise UsageError(f"a password has at least {MIN_PASSWORD} letters")
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    others = [line for line in lines if line.partition(":")[0].strip() != user]
    text = "".join(f"{line}\n" for line in (*others, f"{user}:{hash_password(password)}"))
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o640
    write_whole(path, text.encode(), mode=mode)
    return len(others) == len(lines)


def _tokens(settings: "ServeSettings") -> "Tokens":
    from pannier.server.tokens import Tokens

    return Tokens.beside(settings.directories[0])


def _check_user(settings: "ServeSettings", user: str) -> None:
    from pannier.formats.htpasswd import parse_htpasswd

    if not user or ":" in user:
        raise UsageError(f"`{user}` cannot be a user's name")
    if settings.htpasswd:
        users = parse_htpasswd(Path(settings.htpasswd).read_text("utf-8")).hashes
        if user not in users:
            raise UsageError(
                f"there is no user `{user}` in `{settings.htpasswd}`",
                facts={"users": sorted(users) or "none"},
            )


def _free_name(user: str, taken: set[str]) -> str:
    number = 1
    while f"{user}-{number}" in taken:
        number += 1
    return f"{user}-{number}"

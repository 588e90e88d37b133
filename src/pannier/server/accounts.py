"""Who the users are: a password file and the tokens beside it, read again whenever somebody edits them."""

import hashlib
import hmac
import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from pannier.formats.htpasswd import check_password, parse_htpasswd
from pannier.model.errors import PannierError

_log = logging.getLogger("pannier.server")
Value = TypeVar("Value")
_MISSING = (-1, -1, -1)
_MAX_REMEMBERED = 10_000


class WatchedFile(Generic[Value]):
    """What a file says, read anew when its size, time or inode differ from those read before.

    Args:
        path: The file; where it is missing, it says nothing.
        parse: Makes the value of its text.
    """

    def __init__(self, path: Path, parse: Callable[[str], Value]) -> None:
        self._path = path
        self._parse = parse
        self._stamp: tuple[int, int, int] | None = None
        self._value: Value | None = None
        self._complained: tuple[int, int, int] | None = None

    def read(self) -> Value:
        """The value of what the file holds now; of what it held before, while that cannot be read.

        Raises:
            OSError: It cannot be read the first time.
            ValueError: It is not text, likewise.
            PannierError: It cannot be parsed, likewise.
        """
        stamp = self._look()
        value = self._value
        if value is None or stamp != self._stamp:
            try:
                value = self._parse(self._path.read_text("utf-8") if stamp != _MISSING else "")
            except (OSError, ValueError, PannierError) as error:
                if value is None:
                    raise
                self._complain(stamp, error)
                if isinstance(error, OSError):
                    return value  # it may be readable the next time, without having changed
            self._stamp, self._value = stamp, value
        return value

    def _complain(self, stamp: tuple[int, int, int], error: Exception) -> None:
        if stamp != self._complained:
            self._complained = stamp
            _log.error("%s cannot be read, so what it said before still holds: %s", self._path, error)

    def _look(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return _MISSING
        return status.st_size, status.st_mtime_ns, status.st_ino


class Passwords:
    """Checks passwords against a password file, each at the cost of its hash once.

    What was right is remembered as a keyed digest of user, password and hash: the key is this process's and
    written nowhere, and an edited line is another digest: nothing outlives the line it was checked against.

    Args:
        path: The password file.
    """

    def __init__(self, path: Path) -> None:
        self._file = WatchedFile(path, parse_htpasswd)
        self._key = os.urandom(32)
        self._right: set[bytes] = set()
        # One check at a time: of sixty requests that come at once with one password, one pays for it.
        self._lock = threading.Lock()

    def hashes(self) -> Mapping[str, str]:
        """Every user's hash, as the file has them now."""
        return self._file.read().hashes

    def is_remembered(self, user: str, password: str) -> bool:
        """Tell whether a password was found right before and still is; takes microseconds."""
        password_hash = self.hashes().get(user)
        return password_hash is not None and self._digest(user, password, password_hash) in self._right

    def check(self, user: str, password: str) -> bool:
        """Check a password; may take a good part of a second, so never on the event loop."""
        with self._lock:
            if self.is_remembered(user, password):
                return True
            hashes = self.hashes()
            # For users who are none, the same work is done: how long it takes tells nobody who is one.
            password_hash = hashes.get(user) or next(iter(hashes.values()), "")
            if not check_password(password, password_hash) or user not in hashes:
                return False
            if len(self._right) >= _MAX_REMEMBERED:
                self._right.clear()
            self._right.add(self._digest(user, password, password_hash))
            return True

    def _digest(self, user: str, password: str, password_hash: str) -> bytes:
        text = f"{user}\0{password_hash}\0{password}"
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)


class Credentials(NamedTuple):
    """What a client signs in with.

    Attributes:
        user: May be `__token__`.
        secret: Password or token.
    """

    user: str
    secret: str


def parse_authorization(header: str) -> Credentials | None:
    """Read an `Authorization` header, Basic (RFC 7617) or Bearer (RFC 6750); `None` for what is neither."""
    import base64
    import binascii

    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        return Credentials(TOKEN_USER, rest.strip())
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(rest.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        text = decoded.decode()
    except UnicodeDecodeError:
        text = decoded.decode("latin-1")
    user, colon, secret = text.partition(":")
    return Credentials(user, secret) if colon else None


TOKEN_USER = "__token__"  # noqa: S105 - a user's name
"""The user name that says that the password is a token."""

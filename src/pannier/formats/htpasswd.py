"""Password files as Apache's `htpasswd` writes them: one `user:hash` a line.

bcrypt (`htpasswd -B`), APR1-MD5 (the default), SHA-1 (`-s`), SHA-256 and SHA-512 (`-2`, `-5`) and the
system's crypt (`-d`) are read. Plain text (`-p`) is not: whoever reads the file would be anyone in it.
"""

import base64
import hashlib
import hmac
from typing import NamedTuple

_LIBRARY_SCHEMES = {
    "$apr1$": "apr_md5_crypt",
    "$1$": "md5_crypt",
    "$5$": "sha256_crypt",
    "$6$": "sha512_crypt",
}
_BCRYPT = ("$2y$", "$2b$", "$2a$", "$2x$")
_BCRYPT_LENGTH = 72
_CRYPT_LENGTH = 13


class PasswordEntries(NamedTuple):
    """What a password file holds.

    Attributes:
        hashes: User to the hash of the password.
        unusable: Numbers of the lines that say nothing to us, counted from one.
    """

    hashes: dict[str, str]
    unusable: tuple[int, ...]


def parse_htpasswd(text: str) -> PasswordEntries:
    """Read a password file; the last line of a user counts, as it does for Apache's own tool."""
    hashes: dict[str, str] = {}
    unusable: list[int] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        user, _, rest = entry.partition(":")
        password_hash = rest.partition(":")[0]
        if user and is_known_hash(password_hash):
            hashes[user] = password_hash
        else:
            unusable.append(number)
    return PasswordEntries(hashes, tuple(unusable))


def is_known_hash(text: str) -> bool:
    """Tell whether `check_password` can check against this."""
    known = (*_BCRYPT, *_LIBRARY_SCHEMES, "{SHA}")
    return text.startswith(known) or (len(text) == _CRYPT_LENGTH and text[0] not in "${*!")


def check_password(password: str, password_hash: str) -> bool:
    """Check a password against a hash; slow by intention where the hash is a good one.

    A hash that is damaged matches nothing.
    """
    secret = password.encode()
    try:
        if password_hash.startswith("{SHA}"):
            digest = base64.b64encode(hashlib.sha1(secret, usedforsecurity=False).digest()).decode()
            return hmac.compare_digest(digest, password_hash.removeprefix("{SHA}"))
        if password_hash.startswith(_BCRYPT):
            import bcrypt

            # All programs but this library leave off what follows by themselves.
            return bcrypt.checkpw(secret[:_BCRYPT_LENGTH], password_hash.encode())
        return _check_with_library(password, password_hash)
    except (ValueError, TypeError):
        return False


def hash_password(password: str, *, rounds: int = 10) -> str:
    """Hash a password with bcrypt.

    Args:
        password: Of which bcrypt takes the first 72 bytes.
        rounds: The cost, as a power of two.
    """
    import bcrypt

    return bcrypt.hashpw(password.encode()[:_BCRYPT_LENGTH], bcrypt.gensalt(rounds)).decode()


def _check_with_library(password: str, password_hash: str) -> bool:
    # Imported for files that need it only: it takes 13 MB.
    import warnings

    import passlib.hash

    schemes = (name for prefix, name in _LIBRARY_SCHEMES.items() if password_hash.startswith(prefix))
    scheme = getattr(passlib.hash, next(schemes, "des_crypt"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of hashes that are unusual
        return bool(scheme.verify(password, password_hash))

"""What no archive of strangers may hold, whatever its format."""

import re

from pannier.model.errors import DistributionError

MAX_METADATA = 16 << 20
"""Bytes of METADATA or PKG-INFO."""
_FREE_TOTAL = 256 << 20
_MAX_RATIO = 200
_MAX_PATH = 4096
_DRIVE = re.compile(r"[A-Za-z]:")


def check_member_path(path: str) -> None:
    """Check that a member's name stays in the directory it is unpacked in, on every system.

    Raises:
        DistributionError: It does not.
    """
    parts = path.replace("\\", "/").rstrip("/").split("/")
    is_wrong = (
        not path
        or len(path) > _MAX_PATH
        or parts[0] == ""
        or ".." in parts
        or _DRIVE.match(path) is not None
        or any(character < " " or character == "\x7f" for character in path)
    )
    if is_wrong:
        raise DistributionError(
            "the archive has a member whose name leads elsewhere",
            code="archive-escapes",
            facts={"member": repr(path[:200])},
        )


def check_total(total: int, size: int) -> None:
    """Check that an archive does not become unreasonably more when it is unpacked.

    Args:
        total: Bytes of all members.
        size: Bytes of the archive.

    Raises:
        DistributionError: It does.
    """
    if total > _FREE_TOTAL and total > size * _MAX_RATIO:
        raise DistributionError(
            f"the archive unpacks to more than {_MAX_RATIO} times its size",
            code="archive-too-large",
            facts={"archive": f"{size} bytes", "unpacked": f"at least {total} bytes"},
        )


def most_unpacked(size: int) -> int:
    """Bytes that an archive of this size may unpack to."""
    return max(_FREE_TOTAL, size * _MAX_RATIO)


def is_tar_header(block: bytes) -> bool:
    """Tell whether 512 bytes are the header of a tar's member: its checksum is right."""
    if len(block) < 512:
        return False
    try:
        checksum = int(block[148:156].split(b"\0")[0].strip() or b"x", 8)
    except ValueError:
        return False
    blanked = block[:148] + b" " * 8 + block[156:512]
    signed = sum(byte - 256 if byte > 127 else byte for byte in blanked)
    return checksum in (sum(blanked), signed)


def damaged(reason: str) -> DistributionError:
    """An error that says what is wrong with an archive."""
    return DistributionError(
        "the archive is damaged, or was made in an unusual way",
        code="archive-damaged",
        facts={"reason": reason},
        hint="build it again",
    )

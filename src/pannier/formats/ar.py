"""The common `ar` archive, as in Debian packages (deb(5)): a magic, then headers of 60 bytes and contents."""

AR_MAGIC = b"!<arch>\n"
_LONGEST_NAME = 16


def format_ar_header(name: str, size: int, date: int) -> bytes:
    """Write the header of a regular file of root's with mode 0644.

    Args:
        name: Of the member; at most 16 ASCII characters.
        size: Of its content, in bytes.
        date: Seconds since the epoch.
    """
    encoded = name.encode("ascii")
    if len(encoded) > _LONGEST_NAME or not 0 <= size < 10**10:
        raise ValueError(name)
    return b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (encoded, date, 0, 0, b"100644", size)


def ar_padding(size: int) -> bytes:
    """Return what follows a content of `size` bytes so that the next header lies at an even offset."""
    return b"\n" if size % 2 else b""

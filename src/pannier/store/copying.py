"""Content copied from file to file by the kernel, which shares blocks where the file system can."""

import errno
import os
from collections.abc import Callable

_PIECE = 1 << 24
# What `copy_file_range` says of file systems, kernels and descriptors between which it does not copy.
_NO_COPY_RANGE = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}


def copy_content(source: int, target: int, size: int, is_stopped: Callable[[], bool] = lambda: False) -> int:
    """Copy from where one descriptor stands to where another does, and move both on.

    Args:
        source: Descriptor to read.
        target: Descriptor to write.
        size: How many bytes to copy.
        is_stopped: Asked before each piece whether to stop.

    Returns:
        How many were copied: fewer where the source ends before, or where it was stopped.

    Raises:
        OSError: It cannot be read or written.
    """
    left = size
    copy: Callable[[int, int, int], int] = os.copy_file_range
    while left and not is_stopped():
        try:
            copied = copy(source, target, min(left, _PIECE))
        except OSError as error:
            if copy is _send_file or error.errno not in _NO_COPY_RANGE:
                raise
            copy = _send_file
            continue
        if not copied:
            break
        left -= copied
    return size - left


def _send_file(source: int, target: int, count: int) -> int:
    return os.sendfile(target, source, None, count)

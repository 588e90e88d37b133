"""Files that an administrator writes for a server that runs as somebody else."""

import os
from pathlib import Path


def follow_owner(path: Path) -> None:
    """Give a file that root wrote to the owner of its directory, as whom the server may run."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)

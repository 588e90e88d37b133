"""Tar archives of others, unpacked so that nothing of theirs lands, or points, outside.

`tarfile`'s own `filter="data"` came with Python 3.11.4; Debian 12 has 3.11.2.
"""

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath


def unpack_tar(archive: Path, place: Path) -> None:
    """Unpack files, directories and links into an existing directory; of modes, `x` is kept.

    Args:
        archive: A tar, compressed in any way that `tarfile` knows.
        place: An empty directory.

    Raises:
        tarfile.TarError: It is no tar, or a member leaves the directory or is none of these kinds.
        OSError: A member cannot be written, for example a file below a file.
        EOFError: It ends early.
    """
    links: list[tuple[Path, str]] = []
    with tarfile.open(archive) as tar:
        for member in tar:
            path = _path_of(member.name, place)
            if member.issym():
                links.append((path, member.linkname))
            else:
                _write_member(tar, member, path, place)
    # Last, so that nothing was written through one; only when all are there is it known where each leads.
    for path, target in links:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    root = place.resolve()
    for path, target in links:
        if target.startswith("/") or not Path(os.path.realpath(path)).is_relative_to(root):
            raise tarfile.ExtractError(f"the link `{path.relative_to(place)}` leads outside, to `{target}`")


def _path_of(name: str, place: Path) -> Path:
    parts = [part for part in PurePosixPath(name).parts if part.strip("/")]
    if ".." in parts:
        raise tarfile.ExtractError(f"the member `{name}` lies outside")
    return place.joinpath(*parts)


def _write_member(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, place: Path) -> None:
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if member.islnk():
        shutil.copy(_path_of(member.linkname, place), path)
        return
    content = tar.extractfile(member)
    if content is None:
        raise tarfile.ExtractError(f"the member `{member.name}` is a device or a pipe")
    with content, path.open("wb") as stream:
        shutil.copyfileobj(content, stream)
    path.chmod(0o755 if member.mode & 0o100 else 0o644)

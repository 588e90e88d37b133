"""Lists of files: what each was when it was made, so that it can be told later whether it still is that.

A list is a JSON object with the sha256 of its own content, so that a byte changed in the list is seen, too.
"""

import hashlib
import json
import os
import stat
from typing import Any, Dict, Iterator, NamedTuple

from pannier.runtime.errors import ArchiveError, printable

LISTING_NAME = "files.json"
_SUM, _END = ', "sha256": "', '"}\n'
_CHUNK = 1 << 20


class Made(NamedTuple):
    """What a file, or a symbolic link, was made as.

    Attributes:
        sha256: Of a file's content, in hex; empty for a link.
        size: Of it, in bytes.
        executable: It can be run.
        link: Where a link leads; empty for a file.
    """

    sha256: str
    size: int
    executable: bool
    link: str


Listing = Dict[str, Made]


def made_of_data(data: bytes, executable: bool = False) -> Made:
    """What a file with that content is."""
    return Made(hashlib.sha256(data).hexdigest(), len(data), executable, "")


def made_of_link(target: str) -> Made:
    """What a link that leads there is."""
    return Made("", 0, False, target)


def made_at(path: str) -> Made:
    """What lies at a path now.

    Raises:
        OSError: It cannot be read.
    """
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return made_of_link(os.readlink(path))
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            digest.update(chunk)
    return Made(digest.hexdigest(), status.st_size, bool(status.st_mode & 0o100), "")


def walk(root: str) -> Iterator[str]:
    """Relative paths of everything below a directory that is no directory: links are never followed."""
    waiting = [""]
    while waiting:
        parent = waiting.pop()
        for entry in os.scandir(os.path.join(root, parent)):
            path = parent + "/" + entry.name if parent else entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)
            else:
                yield path


def list_tree(root: str) -> Listing:
    """What lies below a directory now.

    Raises:
        OSError: It cannot be read.
    """
    return {path: made_at(os.path.join(root, path)) for path in walk(root)}


def format_listing(listing: Listing) -> str:
    """Write a list down."""
    return format_summed({"files": listing})


def read_listing(path: str) -> Listing:
    """Read a list.

    Raises:
        ArchiveError: It is not there, or not as it was written.
    """
    value = read_summed(path)
    return {name: Made(*made) for name, made in value["files"].items()}


def format_summed(value: Dict[str, Any]) -> str:
    """JSON that ends with the sha256 of all before; `value` is not empty."""
    text = json.dumps(value, sort_keys=True)
    return "".join((text[:-1], _SUM, _digest(text), _END))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read_summed(path: str) -> Dict[str, Any]:
    """Read what `format_summed` wrote.

    Raises:
        ArchiveError: It is not there, or not as it was written.
    """
    text, because = "", "its content is another"
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except FileNotFoundError:
        because = "it is missing"
    except (OSError, UnicodeDecodeError) as error:
        because = getattr(error, "strerror", None) or because
    rest, _, end = text.rpartition(_SUM)
    if end != _digest(rest + "}") + _END:
        facts = {"path": printable(path), "because": printable(because)}
        hint = "install the full bundle again with --force"
        raise ArchiveError("a list of this site's files cannot be trusted", "site-damaged", facts, hint)
    value: Dict[str, Any] = json.loads(text)
    return value


def judge(path: str, made: Made) -> str:
    """Why what lies at a path is not what was made; empty when it is."""
    try:
        status = os.lstat(path)
        if made.link:
            return (
                ""
                if stat.S_ISLNK(status.st_mode) and os.readlink(path) == made.link
                else "it leads elsewhere"
            )
        if not stat.S_ISREG(status.st_mode):
            return "it is no file"
        if status.st_size != made.size:
            return f"it has {status.st_size} bytes, not {made.size}"
        if made_at(path).sha256 != made.sha256:
            return "its content is another"
        return "it cannot be run" if made.executable and not status.st_mode & 0o100 else ""
    except FileNotFoundError:
        return "it is missing"
    except OSError as error:
        return printable(error.strerror or str(error))

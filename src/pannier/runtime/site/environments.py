"""An environment in a generation: links into the pool, an interpreter, scripts, and metadata that say so."""

import base64
import errno
import hashlib
import os
import shutil
from typing import Dict, List, Sequence, Tuple

from pannier.runtime.errors import ArchiveError

from .pool import Entry
from .pythons import Python
from .scripts import format_entry_point, rewrite_script

# The file system knows no hard links, or not between these directories, or no more of this file.
_NO_LINKS = (errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS, errno.EACCES)


def build_environment(directory: str, python: Python, entries: Sequence[Entry]) -> None:
    """Build an environment where it will stay.

    Args:
        directory: Does not exist.
        python: Its interpreter.
        entries: What goes into it. Where two have a file of the same name, the later one's is there.

    Raises:
        OSError: It cannot be written.
    """
    os.makedirs(os.path.join(directory, "bin"))
    if python.minor.startswith("2."):
        _link_python2(directory, python)
    else:
        _link_python3(directory, python)
    builder = _Builder(directory, python)
    for entry in entries:
        builder.add(entry)


def _link_python3(directory: str, python: Python) -> None:
    """Make it a virtual environment (PEP 405)."""
    lines = (
        "home = " + os.path.dirname(python.executable),
        "include-system-site-packages = false",
        "version = " + python.version,
    )
    with open(os.path.join(directory, "pyvenv.cfg"), "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")
    os.symlink(python.executable, os.path.join(directory, "bin", "python" + python.minor))
    os.symlink("python" + python.minor, os.path.join(directory, "bin", "python3"))
    os.symlink("python" + python.minor, os.path.join(directory, "bin", "python"))
    os.makedirs(os.path.join(directory, "lib", "python" + python.minor, "site-packages"))
    os.symlink("lib", os.path.join(directory, "lib64"))


def _link_python2(directory: str, python: Python) -> None:
    """Make it a prefix of its own: a copied binary, which finds `os.py` beside it, and links for the rest."""
    binary = os.path.join(directory, "bin", "python" + python.minor)
    shutil.copyfile(python.executable, binary)
    os.chmod(binary, 0o755)  # noqa: S103  # everybody is to run it
    os.symlink("python" + python.minor, os.path.join(directory, "bin", "python2"))
    os.symlink("python" + python.minor, os.path.join(directory, "bin", "python"))
    library = os.path.join(directory, "lib", "python" + python.minor)
    os.makedirs(os.path.join(library, "site-packages"))
    # Debian's looks for packages there, and Fedora's for everything in lib64.
    os.symlink("site-packages", os.path.join(library, "dist-packages"))
    os.symlink("lib", os.path.join(directory, "lib64"))
    for name in sorted(os.listdir(python.stdlib)):
        if name not in ("site-packages", "dist-packages", "site.py", "site.pyc", "site.pyo", "test"):
            os.symlink(os.path.join(python.stdlib, name), os.path.join(library, name))
    _write_site_module(os.path.join(python.stdlib, "site.py"), os.path.join(library, "site.py"))
    if os.path.isdir(python.include):
        # A directory of its own, for wheels that bring headers.
        headers = os.path.join(directory, "include", "python" + python.minor)
        os.makedirs(headers)
        for name in os.listdir(python.include):
            os.symlink(os.path.join(python.include, name), os.path.join(headers, name))
    # A binary that looks for its library beside itself.
    beside = os.path.join(os.path.dirname(os.path.dirname(python.executable)), "lib")
    if os.path.isdir(beside):
        for name in os.listdir(beside):
            if name.startswith("libpython" + python.minor) and ".so" in name:
                os.symlink(os.path.join(beside, name), os.path.join(directory, "lib", name))


def _write_site_module(source: str, target: str) -> None:
    """Write Python 2.7's own `site` with the user's packages switched off: no `pyvenv.cfg` would do it."""
    with open(source, "rb") as stream:
        text = stream.read()
    with open(target, "wb") as stream:
        stream.write(text.replace(b"\nENABLE_USER_SITE = None", b"\nENABLE_USER_SITE = False", 1))


class _Builder:
    """Puts wheels into an environment."""

    def __init__(self, directory: str, python: Python) -> None:
        self._directory = directory
        self._python = python
        self._packages = places_of(python.minor)["lib"]
        self._made = {""}
        self._can_link = True

    def add(self, entry: Entry) -> None:
        """Link a wheel's files, write its scripts, its RECORD and its INSTALLER."""
        record: List[Tuple[str, str, str]] = []
        for place, (digest, size) in entry.files.items():
            if place.startswith("scripts/"):
                record.append(self._write_script(entry, place))
                continue
            target = locate(place, self._python.minor, entry.project)
            self._link(os.path.join(entry.path, place), target)
            record.append((target, format_digest(digest), str(size)))
        for name, value in entry.scripts.items():
            text = format_entry_point(self._interpreter(), value)
            record.append(self._write("bin/" + name, text.encode(), 0o755))
        info = f"{self._packages}/{entry.dist_info}"
        record.append(self._write(info + "/INSTALLER", b"pannier\n"))
        record.append((info + "/RECORD", "", ""))
        self._write(info + "/RECORD", format_record(record, self._packages).encode())

    def _interpreter(self) -> str:
        return os.path.join(self._directory, "bin", "python")

    def _write_script(self, entry: Entry, place: str) -> Tuple[str, str, str]:
        with open(os.path.join(entry.path, place), "rb") as stream:
            data = rewrite_script(self._interpreter(), stream.read())
        return self._write("bin/" + place[len("scripts/") :], data, 0o755)

    def _write(self, target: str, data: bytes, mode: int = 0o644) -> Tuple[str, str, str]:
        path = self._prepare(target)
        if os.path.lexists(path):
            os.unlink(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(descriptor, "wb") as stream:
            stream.write(data)
        return target, format_digest(hashlib.sha256(data).hexdigest()), str(len(data))

    def _link(self, source: str, target: str) -> None:
        path = self._prepare(target)
        if not self._can_link:
            shutil.copy2(source, path)
            return
        try:
            os.link(source, path)
        except FileExistsError:
            os.unlink(path)
            os.link(source, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # Another file may still have links to give, but a file system that gives none never will.
            self._can_link = error.errno == errno.EMLINK
            shutil.copy2(source, path)

    def _prepare(self, target: str) -> str:
        parent, _, _ = target.rpartition("/")
        if parent not in self._made:
            path = os.path.join(self._directory, parent)
            os.makedirs(path, exist_ok=True)
            # Of Python 2.7's standard library there are links, and no wheel may write through them.
            if not os.path.realpath(path).startswith(os.path.realpath(self._directory) + "/"):
                raise ArchiveError(
                    "a wheel has a file that would land outside of its environment",
                    "hostile-bundle",
                    {"file": target},
                )
            self._made.add(parent)
        return os.path.join(self._directory, target)


def places_of(minor: str) -> Dict[str, str]:
    """Where the parts of a pool's entry go in an environment."""
    return {
        "lib": f"lib/python{minor}/site-packages",
        "headers": f"include/site/python{minor}",
        "scripts": "bin",
    }


def locate(place: str, minor: str, project: str) -> str:
    """Where a file of a pool's entry goes in an environment, relative to it."""
    scheme, _, rest = place.partition("/")
    if scheme == "data":
        return rest
    if scheme == "headers":
        return f"include/site/python{minor}/{project}/{rest}"
    return places_of(minor)[scheme] + "/" + rest


def format_digest(digest: str) -> str:
    """A sha256 in a RECORD's form."""
    return "sha256=" + base64.urlsafe_b64encode(bytes.fromhex(digest)).decode("ascii").rstrip("=")


def format_record(rows: Sequence[Tuple[str, str, str]], packages: str) -> str:
    """A RECORD of what was installed: paths relative to the directory of the packages."""
    lines = []
    for target, digest, size in sorted(rows):
        path = target[len(packages) + 1 :] if target.startswith(packages + "/") else "../../../" + target
        quoted = '"{}"'.format(path.replace('"', '""')) if set(path) & {",", '"'} else path
        lines.append(f"{quoted},{digest},{size}\n")
    return "".join(lines)

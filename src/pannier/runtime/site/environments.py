"""An environment in a generation: links into the pool, an interpreter, scripts, and metadata that say so."""

import base64
import errno
import os
import shutil
import subprocess
from collections import Counter
from typing import Dict, List, Sequence, Set, Tuple

from pannier.runtime.errors import ArchiveError
from pannier.runtime.workers import check_parent

from .listing import Listing, Made, made_at, made_of_data, made_of_link
from .pool import Entry
from .pythons import Python, clean_environment
from .scripts import format_entry_point, rewrite_script

# The file system knows no hard links, or not between these directories, or no more of this file.
_NO_LINKS = (errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS, errno.EACCES)


def begin_environment(directory: str, python: Python) -> Listing:
    """Make an environment with nothing but its interpreter, where it will stay.

    Args:
        directory: Does not exist.
        python: Its interpreter.

    Returns:
        What was made, by its path in the environment.

    Raises:
        OSError: It cannot be written.
    """
    builder = _Builder(directory, python)
    os.makedirs(os.path.join(directory, "bin"))
    if python.minor.startswith("2."):
        _link_python2(builder, directory, python)
    else:
        _link_python3(builder, directory, python)
    return builder.made


def add_entries(directory: str, python: Python, entries: Sequence[Entry]) -> Listing:
    """Put wheels into an environment that has its interpreter.

    Where two have a file of the same name, the later one's is there.

    Returns:
        What was made for it alone, by its path in it: all but the links into the pool.

    Raises:
        OSError: It cannot be written.
    """
    builder = _Builder(directory, python)
    for entry in entries:
        builder.add(entry)
    return builder.made


def share_out(entries: Sequence[Entry], minor: str) -> Tuple[List[List[Entry]], Set[str]]:
    """Divide an environment's wheels into parts that can be added side by side, the largest first.

    Returns:
        The parts, those with files of the same name together and in their order; and the paths of all files.
    """
    targets = [_targets(entry, minor) for entry in entries]
    counts = Counter(path for paths in targets for path in paths)
    are_apart = [all(counts[path] == 1 for path in paths) for paths in targets]
    parts = [[entry] for entry, is_apart in zip(entries, are_apart) if is_apart]
    if not all(are_apart):
        parts.append([entry for entry, is_apart in zip(entries, are_apart) if not is_apart])
    parts.sort(key=lambda part: -sum(len(entry.files) for entry in part))
    return parts, set(counts)


def _targets(entry: Entry, minor: str) -> Set[str]:
    info = locate("lib/" + entry.dist_info, minor, entry.project)
    found = {locate(place, minor, entry.project) for place in entry.files}
    return found | {"bin/" + name for name in entry.scripts} | {info + "/RECORD", info + "/INSTALLER"}


def _link_python3(builder: "_Builder", directory: str, python: Python) -> None:
    """Make it a virtual environment (PEP 405)."""
    lines = (
        "home = " + os.path.dirname(python.executable),
        "include-system-site-packages = false",
        "version = " + python.version,
    )
    builder.write("pyvenv.cfg", ("\n".join(lines) + "\n").encode())
    builder.symlink(python.executable, "bin/python" + python.minor)
    builder.symlink("python" + python.minor, "bin/python3")
    builder.symlink("python" + python.minor, "bin/python")
    os.makedirs(os.path.join(directory, "lib", "python" + python.minor, "site-packages"))
    builder.symlink("lib", "lib64")


def _link_python2(builder: "_Builder", directory: str, python: Python) -> None:
    """Make it a prefix of its own: a copied binary, which finds `os.py` beside it, and links for the rest."""
    builder.copy_program(python.executable, "bin/python" + python.minor)
    builder.symlink("python" + python.minor, "bin/python2")
    builder.symlink("python" + python.minor, "bin/python")
    library = "lib/python" + python.minor
    os.makedirs(os.path.join(directory, library, "site-packages"))
    # Debian's looks for packages there, and Fedora's for everything in lib64.
    builder.symlink("site-packages", library + "/dist-packages")
    builder.symlink("lib", "lib64")
    for name in sorted(os.listdir(python.stdlib)):
        if name not in ("site-packages", "dist-packages", "site.py", "site.pyc", "site.pyo", "test"):
            builder.symlink(os.path.join(python.stdlib, name), library + "/" + name)
    builder.write(library + "/site.py", _site_module(os.path.join(python.stdlib, "site.py")))
    builder.compile_module(library + "/site.py")
    if os.path.isdir(python.include):
        # A directory of its own, for wheels that bring headers.
        headers = "include/python" + python.minor
        os.makedirs(os.path.join(directory, headers))
        for name in os.listdir(python.include):
            builder.symlink(os.path.join(python.include, name), headers + "/" + name)
    # A binary that looks for its library beside itself.
    beside = os.path.join(os.path.dirname(os.path.dirname(python.executable)), "lib")
    if os.path.isdir(beside):
        for name in os.listdir(beside):
            if name.startswith("libpython" + python.minor) and ".so" in name:
                builder.symlink(os.path.join(beside, name), "lib/" + name)


def _site_module(source: str) -> bytes:
    """Python 2.7's own `site` with the user's packages switched off: no `pyvenv.cfg` would do it."""
    with open(source, "rb") as stream:
        return stream.read().replace(b"\nENABLE_USER_SITE = None", b"\nENABLE_USER_SITE = False", 1)


class _Builder:
    """Puts an interpreter and wheels into an environment, and keeps a list of what it makes.

    Attributes:
        made: By path, but for the links into the pool.
    """

    def __init__(self, directory: str, python: Python) -> None:
        self.made: Dict[str, Made] = {}
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
            record.append(self.write("bin/" + name, text.encode(), 0o755))
        info = f"{self._packages}/{entry.dist_info}"
        record.append(self.write(info + "/INSTALLER", b"pannier\n"))
        record.append((info + "/RECORD", "", ""))
        self.write(info + "/RECORD", format_record(record, self._packages).encode())

    def symlink(self, source: str, target: str) -> None:
        """Make a symbolic link."""
        os.symlink(source, os.path.join(self._directory, target))
        self.made[target] = made_of_link(source)

    def compile_module(self, target: str) -> None:
        """Give a module of Python 2.7 its byte code: not every user may write it at the first start."""
        program = "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], sys.argv[3], True)"
        path = os.path.join(self._directory, target)
        subprocess.run(
            [self._python.executable, "-E", "-s", "-S", "-B", "-c", program, path, path + "c", target],
            stdin=subprocess.DEVNULL,
            env=clean_environment(),
            check=True,
        )
        self.made[target + "c"] = made_at(path + "c")

    def copy_program(self, source: str, target: str) -> None:
        """Copy a file that everybody is to run."""
        path = os.path.join(self._directory, target)
        shutil.copyfile(source, path)
        os.chmod(path, 0o755)  # noqa: S103  # everybody is to run it
        self.made[target] = made_at(path)

    def _interpreter(self) -> str:
        return os.path.join(self._directory, "bin", "python")

    def _write_script(self, entry: Entry, place: str) -> Tuple[str, str, str]:
        with open(os.path.join(entry.path, place), "rb") as stream:
            data = rewrite_script(self._interpreter(), stream.read())
        return self.write("bin/" + place[len("scripts/") :], data, 0o755)

    def write(self, target: str, data: bytes, mode: int = 0o644) -> Tuple[str, str, str]:
        """Write a file; return its row of a RECORD."""
        path = self._prepare(target)
        if os.path.lexists(path):
            os.unlink(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(descriptor, "wb") as stream:
            stream.write(data)
        self.made[target] = made_of_data(data, bool(mode & 0o100))
        return target, format_digest(self.made[target].sha256), str(len(data))

    def _link(self, source: str, target: str) -> None:
        check_parent()
        path = self._prepare(target)
        self.made.pop(target, None)
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

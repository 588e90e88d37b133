"""A site on the server: where things lie below its prefix, what a generation says of itself, and the log.

PREFIX/generations/N/ENVIRONMENT/   an environment, built where it stays
PREFIX/generations/N/bin/NAME       starts one
PREFIX/generations/N/files.json     what was made for it alone: every file but the links into the pool
PREFIX/generations/N/generation.json   what it is; written last, so one without it is not whole
PREFIX/current -> generations/N     the one in force
PREFIX/site -> .site/installers/SUM/site   this installer, for use without the bundle
PREFIX/.site/pool/SHA256-pyXY/      a wheel unpacked and compiled, once for each minor version
PREFIX/.site/interpreters/SHA256/   a Python that came in a bundle, and files.json, the list of its files
PREFIX/.site/installers/SUM/        a copy of this installer, and files.json
PREFIX/.site/journal.json           what an installation under way makes; there only while one is
"""

import contextlib
import errno
import fcntl
import json
import os
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from pannier.runtime.errors import ArchiveError, printable

from .listing import format_summed

GENERATION_NAME = "generation.json"


class Site(NamedTuple):
    """The paths of a site."""

    prefix: str

    @property
    def generations(self) -> str:
        """The directory of all generations."""
        return os.path.join(self.prefix, "generations")

    @property
    def state(self) -> str:
        """The directory of what belongs to no generation."""
        return os.path.join(self.prefix, ".site")

    @property
    def pool(self) -> str:
        """The directory of unpacked wheels."""
        return os.path.join(self.state, "pool")

    @property
    def interpreters(self) -> str:
        """The directory of Pythons that came in bundles."""
        return os.path.join(self.state, "interpreters")

    @property
    def installers(self) -> str:
        """The directory of copies of the installer, one for each bundle that brought another one."""
        return os.path.join(self.state, "installers")

    @property
    def journal(self) -> str:
        """The file that says what an installation under way makes."""
        return os.path.join(self.state, "journal.json")

    @property
    def log(self) -> str:
        """The file with a line for each change."""
        return os.path.join(self.state, "log.jsonl")

    @property
    def current(self) -> str:
        """The link to the generation in force."""
        return os.path.join(self.prefix, "current")

    def generation(self, number: int) -> str:
        """The directory of one generation."""
        return os.path.join(self.generations, str(number))

    def pooled(self, sha256: str, minor: str) -> str:
        """The directory of one wheel for one minor version."""
        return os.path.join(self.pool, "{}-py{}".format(sha256, minor.replace(".", "")))


class Generation(NamedTuple):
    """A generation that is whole.

    Attributes:
        number: It counts up.
        value: Its `generation.json`: `id`, `name`, `time`, `user`, `bin`, `environments`, `wheels`.
    """

    number: int
    value: Dict[str, Any]

    @property
    def environments(self) -> List[Dict[str, Any]]:
        """Entries as a manifest has them, with `found`: the interpreter used."""
        environments: List[Dict[str, Any]] = self.value["environments"]
        return environments

    @property
    def names(self) -> List[str]:
        """The names of its interpreters."""
        return [name for entry in self.environments for name in [entry["name"]] + entry["aliases"]]

    @property
    def pooled(self) -> List[Tuple[str, str]]:
        """The wheels it is made of, each with the minor version it serves."""
        found = {(sha256, minor_of(entry)) for entry in self.environments for sha256 in entry["wheels"]}
        return sorted(found)


def minor_of(environment: Dict[str, Any]) -> str:
    """The `major.minor` version of an environment of a generation."""
    return ".".join(environment["python"].split(".")[:2])


def read_generation(site: Site, number: int) -> Optional[Generation]:
    """Read what a generation says of itself; `None` when it is not whole."""
    path = os.path.join(site.generation(number), GENERATION_NAME)
    try:
        with open(path, encoding="utf-8") as stream:
            return Generation(number, json.load(stream))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        facts = {"path": printable(path), "because": printable(str(error))}
        raise ArchiveError(f"generation {number} cannot be read", "site-damaged", facts) from None


def write_generation(site: Site, generation: Generation) -> None:
    """Declare a generation whole."""
    path = os.path.join(site.generation(generation.number), GENERATION_NAME)
    write_text(path, format_summed(generation.value))


def list_numbers(site: Site) -> List[int]:
    """The numbers of all generations, whole or not, from the first."""
    try:
        return sorted(int(name) for name in os.listdir(site.generations) if name.isdigit())
    except FileNotFoundError:
        return []


def list_generations(site: Site) -> List[Generation]:
    """All generations that are whole, from the first."""
    found = [read_generation(site, number) for number in list_numbers(site)]
    return [generation for generation in found if generation is not None]


def find_current(site: Site) -> Optional[Generation]:
    """The generation in force."""
    try:
        name = os.path.basename(os.readlink(site.current))
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise ArchiveError(
            "the prefix is no directory",
            "prefix-taken",
            {"prefix": site.prefix},
            "name a directory with --prefix; one that is not there yet is made",
        ) from None
    except OSError as error:
        raise ArchiveError(
            "`current` is no link of ours", "site-damaged", {"path": site.current, "because": str(error)}
        ) from None
    return read_generation(site, int(name)) if name.isdigit() else None


def need_current(site: Site) -> Generation:
    """The generation in force.

    Raises:
        ArchiveError: There is none.
    """
    current = find_current(site)
    if current is None:
        raise ArchiveError(
            "no site is installed there",
            "no-site",
            {"prefix": printable(site.prefix)},
            "install one with `sh BUNDLE install`, or name another place with --prefix",
        )
    return current


def switch(site: Site, number: int) -> None:
    """Put a generation in force: the one step in which everything changes."""
    replace_link(site.current, f"generations/{number}")


def replace_link(path: str, target: str) -> None:
    """Make a symbolic link, in the place of whatever file or link is there, also when the power fails."""
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.symlink(target, temporary)
    os.rename(temporary, path)
    sync_directory(os.path.dirname(path))


def write_text(path: str, text: str, mode: int = 0o644) -> None:
    """Write a file so that it is there whole or not at all, also when the power fails."""
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
    os.rename(temporary, path)
    sync_directory(os.path.dirname(path))


def sync_directory(path: str) -> None:
    """Wait until a directory's entries are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Some network file systems know no such thing.
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(site: Site) -> Iterator[None]:
    """Keep every other change of this site out.

    Raises:
        ArchiveError: Another one is under way, or this user may change nothing there.
    """
    path = os.path.join(site.state, "lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise ArchiveError(
            "this site cannot be changed by this user",
            "no-rights",
            {"prefix": printable(site.prefix), "because": os.strerror(error.errno), "user": find_user()},
            "run this as root, or as whoever installed the site",
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode("utf-8", "replace").strip()
            raise ArchiveError(
                "this site is being changed by another process",
                "site-busy",
                {"prefix": printable(site.prefix), "by": printable(holder) or "unknown"},
                "try again when it has ended",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} of {find_user()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def find_user() -> str:
    """Who runs this: the name behind `sudo` too."""
    import pwd

    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    behind = os.environ.get("SUDO_USER", "")
    return f"{user} ({behind})" if user == "root" and behind and behind != "root" else user


def format_size(size: int) -> str:
    """A size as people read it."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def interpreter_key(file: str) -> str:
    """The sha256 in the name of a bundled interpreter."""
    return os.path.basename(file).split(".")[0]


def format_time(seconds: Optional[float] = None) -> str:
    """A time as ISO 8601 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def write_log(site: Site, action: str, **facts: object) -> None:
    """Add a line to the log."""
    entry: Dict[str, object] = {"time": format_time(), "user": find_user(), "action": action}
    entry.update(facts)
    line = json.dumps(entry, sort_keys=True) + "\n"
    descriptor = os.open(site.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_log(site: Site) -> List[Dict[str, Any]]:
    """The log's entries, from the first; a line cut short by a crash is left out."""
    entries = []
    try:
        with open(site.log, encoding="utf-8") as stream:
            for line in stream:
                with contextlib.suppress(ValueError):
                    entries.append(json.loads(line))
    except FileNotFoundError:
        pass
    return entries

"""The first start of a `.pyz`: checked, unpacked beside where it will lie, and put there in one step."""

import contextlib
import fcntl
import os
import shutil
import signal
import sys
from typing import Any, Dict, Iterator, NoReturn, Optional, Tuple

from pannier.runtime.bytecode import compile_prefix
from pannier.runtime.errors import ArchiveError, printable, storage
from pannier.runtime.host import link_interpreter
from pannier.runtime.unpack import mark_complete, unpack_pack
from pannier.runtime.zipapp.contents import find_pack
from pannier.runtime.zipapp.pruning import prune

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _SignalledError(BaseException):
    """A signal that ends this process came; it is sent again once everything is cleaned up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def prepare_or_end(archive: str, facts: Dict[str, Any]) -> str:
    """Unpack, or end this process with one line on standard error; return the prefix."""
    try:
        with _heeding_signals():
            return prepare(archive, facts)
    except ArchiveError as error:
        sys.stderr.write(format_line(os.path.basename(archive), error))
    except OSError as error:
        sys.stderr.write(format_line(os.path.basename(archive), storage(error, _default_cache() or "/tmp")))  # noqa: S108
    except _SignalledError as error:
        signal.signal(error.number, signal.SIG_DFL)
        os.kill(os.getpid(), error.number)
    sys.exit(1)


@contextlib.contextmanager
def _heeding_signals() -> Iterator[None]:
    def raise_it(number: int, _frame: object) -> NoReturn:
        for one in _SIGNALS:
            signal.signal(one, signal.SIG_IGN)
        raise _SignalledError(number)

    # What whoever started this wants ignored, as `nohup` does, stays ignored.
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, raise_it) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def format_line(name: str, error: ArchiveError) -> str:
    """Write an error as one line, ending in a newline."""
    facts = ", ".join(f"{fact}: {value}" for fact, value in error.facts.items())
    hint = f"; {error.hint}" if error.hint else ""
    return printable(f"{name}: error: {error.message}{facts and f' ({facts})'}{hint} [{error.code}]") + "\n"


def prepare(archive: str, facts: Dict[str, Any]) -> str:
    """Unpack the pack of an archive into the cache, unless another process just has; return the prefix.

    Args:
        archive: The `.pyz`.
        facts: What it says of itself.

    Raises:
        ArchiveError: The archive is damaged, for another machine, or cannot be unpacked anywhere.
        OSError: The archive cannot be read.
    """
    pack = find_pack(archive)
    _check_machine(facts)
    prefixes = os.path.join(_usable_cache(), "prefixes")
    prefix = os.path.join(prefixes, facts["id"])
    with _locked(prefix + ".lock") as is_locked:
        if not _is_complete(prefix, facts["id"]):
            if is_locked:
                _sweep(prefixes, facts["id"])
            _unpack(archive, pack, prefix, facts)
        elif not os.path.exists(os.path.join(prefix, "bin", "python3")):
            # The Python that it was linked to is gone.
            link_interpreter(prefix, facts["minor"])
    with contextlib.suppress(OSError):
        prune(prefixes, facts["id"], facts["name"])
    return prefix


def _unpack(archive: str, pack: Tuple[int, int], prefix: str, facts: Dict[str, Any]) -> None:
    stage = f"{prefix}.tmp.{os.getpid()}"
    try:
        os.mkdir(stage)  # in here, for a signal can come right after it
        read = unpack_pack(archive, stage, start=pack[0], size=pack[1])
        if read.head.id != facts["id"]:
            raise ArchiveError("this file is damaged: its pack is another one's", "corrupt-pack")
        link_interpreter(stage, facts["minor"])
        if not all(layer.bytecode for layer in read.layers):
            compile_prefix(stage)
        mark_complete(stage, facts["id"])
        try:
            os.rename(stage, prefix)
        except OSError:
            # Another process was faster, on a file system without locks.
            if not _is_complete(prefix, facts["id"]):
                raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _is_complete(prefix: str, identity: str) -> bool:
    try:
        with open(os.path.join(prefix, ".pannier/complete"), encoding="ascii") as stream:
            return stream.read().strip() == identity
    except (OSError, UnicodeDecodeError):
        return False


def _sweep(prefixes: str, identity: str) -> None:
    """Remove what killed processes left. Nobody else writes there, for this one has the lock."""
    for name in os.listdir(prefixes):
        if name.startswith((identity + ".tmp.", identity + ".old.")):
            shutil.rmtree(os.path.join(prefixes, name), ignore_errors=True)
    if not _is_complete(os.path.join(prefixes, identity), identity):
        shutil.rmtree(os.path.join(prefixes, identity), ignore_errors=True)


@contextlib.contextmanager
def _locked(path: str) -> Iterator[bool]:
    """Hold the lock that the launcher takes as well; without one where the file system has none."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield_value = True
        except OSError:
            yield_value = False
        yield yield_value
    finally:
        os.close(descriptor)


def _default_cache() -> str:
    explicit = os.environ.get("PANNIER_CACHE_DIR")
    if explicit:
        return os.path.abspath(explicit)
    home = os.environ.get("XDG_CACHE_HOME", "")
    if home.startswith("/"):
        return os.path.join(home, "pannier")
    if os.environ.get("HOME"):
        return os.path.join(os.path.abspath(os.environ["HOME"]), ".cache", "pannier")
    return ""


def _usable_cache() -> str:
    """The cache, or the user's own directory among the temporary ones where the cache cannot be written to.

    Raises:
        ArchiveError: Neither will do.
    """
    cache = _default_cache()
    refusal = _refusal_of(cache) if cache else None
    if cache and refusal is None:
        return cache
    if os.environ.get("PANNIER_CACHE_DIR"):
        assert refusal is not None
        raise storage(refusal, cache)
    last = os.path.join(os.environ.get("TMPDIR") or "/tmp", f"pannier-{os.getuid()}")  # noqa: S108
    with contextlib.suppress(FileExistsError, FileNotFoundError, PermissionError):
        os.mkdir(last, 0o700)
    if os.path.isdir(last):
        facts = os.lstat(last)
        if os.path.islink(last) or facts.st_uid != os.getuid() or facts.st_mode & 0o022:
            raise ArchiveError(
                "the cache directory belongs to someone else, or others may write to it",
                "unsafe-cache",
                {"directory": printable(last)},
                "name another cache with PANNIER_CACHE_DIR",
            )
    refusal = _refusal_of(last)
    if refusal is not None:
        raise storage(refusal, last)
    return os.path.abspath(last)


def _refusal_of(cache: str) -> Optional[OSError]:
    prefixes = os.path.join(cache, "prefixes")
    try:
        os.makedirs(prefixes, exist_ok=True)
        # `access` lies where the file system is mounted read-only for some, and to root.
        probe = os.path.join(prefixes, f".probe.{os.getpid()}")
        os.mkdir(probe)
        os.rmdir(probe)
    except OSError as error:
        return error
    return None


def _check_machine(facts: Dict[str, Any]) -> None:
    """Refuse a machine of another kind.

    Raises:
        ArchiveError: It is one.
    """
    system, machine, family, libc = facts["platform"]
    here = os.uname()
    has_family, has_libc = _find_libc()
    fits = system in ("any", here.sysname.lower()) and machine in ("any", here.machine)
    if family != "any" and has_family:
        fits = fits and family == has_family and (not has_libc or _number(has_libc) >= _number(libc))
    if fits:
        return
    wanted = f"{system} {machine}" + ("" if family == "any" else f", {family} {libc} or newer")
    raise ArchiveError(
        "this was made for another machine",
        "target-mismatch",
        {"made for": wanted, "machine": f"{here.sysname.lower()} {here.machine}, {has_family} {has_libc}"},
        "pack again for this machine, with `--platform` or on it",
    )


def _find_libc() -> Tuple[str, str]:
    """The C library of this Python and its version, empty where they cannot be told."""
    try:
        family, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, ValueError, OSError):
        return ("musl", "") if sys.platform.startswith("linux") else ("", "")
    return family, version


def _number(version: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())

"""Unpacking: layers side by side in forked workers, each checked before any of it is written."""

import contextlib
import errno
import json
import os
import select
import signal
import stat
from typing import Callable, Collection, Dict, List, NamedTuple, NoReturn, Optional, Set, Tuple

from .archive import Layer, Pack, check_layer, open_layer, read_pack
from .errors import ArchiveError, corrupt, hostile, storage
from .frames import Decompressor, decompress
from .segment import Piece

_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PARENT_CHECK_SECONDS = 0.2

Link = Tuple[str, str]
Job = Callable[[int], object]


class Worker(NamedTuple):
    """A forked process and the pipe on which it reports."""

    process: int
    reports: int


def count_workers() -> int:
    """Return the number of processors this process may use."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:
        return os.cpu_count() or 1


def unpack_pack(
    path: str,
    directory: str,
    workers: int = 0,
    open_decompressor: Optional[Decompressor] = None,
    skip_layers: Collection[str] = (),
) -> Pack:
    """Unpack a pack's layers into a directory. The marker of a complete prefix is left to `mark_complete`.

    Files get the mode that the pack and the umask give; times are those of the unpacking.

    Args:
        path: The pack.
        directory: Exists, and holds nothing but the layers to skip.
        workers: Processes that unpack side by side; 0 for one for each processor, 1 for none but this.
        open_decompressor: Used instead of zlib and the `zstd` command.
        skip_layers: Names of layers that lie there already. Their frames are still checked.

    Raises:
        ArchiveError: The pack is damaged or hostile, or cannot be written. What was unpacked is left for the
            caller to remove.
        OSError: The pack cannot be read.
    """
    pack = read_pack(path, open_decompressor)
    directory = os.path.abspath(directory)
    open_decompressor = open_decompressor or decompress
    jobs = sorted(pack.layers, key=lambda layer: layer.content_size, reverse=True)
    workers = min(workers or count_workers(), len(jobs))
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def unpack_layer(number: int) -> List[Link]:
        layer = jobs[number]
        check_layer(descriptor, layer)
        if layer.name in skip_layers:
            return []
        return _LayerWriter(directory).write(descriptor, pack, layer, open_decompressor)

    try:
        links = run_jobs(unpack_layer, len(jobs), workers, directory)
        _LayerWriter(directory).write_links([link for found in links for link in found])
        write_file(directory, ".pannier/head", pack.head_bytes)
        write_file(directory, ".pannier/manifest.json", pack.manifest_bytes)
    except OSError as error:
        raise storage(error, directory) from error
    finally:
        os.close(descriptor)
    return pack


def mark_complete(directory: str, identity: str) -> None:
    """Write the marker that a prefix is whole: after everything else, and in one step."""
    temporary = f".pannier/complete.{os.getpid()}"
    write_file(directory, temporary, identity.encode() + b"\n")
    os.rename(os.path.join(directory, temporary), os.path.join(directory, ".pannier/complete"))


def write_file(directory: str, name: str, data: bytes) -> None:
    """Write a new file of a prefix.

    Raises:
        ArchiveError: Something of that name is there.
        OSError: It cannot be written.
    """
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = _create(path, name, 0o644)
    try:
        write_all(descriptor, data)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: Piece) -> None:
    """Write all of `data`: the system may take less at a time, and does when the disk is nearly full."""
    written = os.write(descriptor, data)
    if written != len(data):
        rest = memoryview(data)[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def _create(path: str, name: str, mode: int) -> int:
    try:
        return os.open(path, _FILE_FLAGS, mode)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ELOOP, errno.EISDIR):
            raise hostile(name, "there are two of that name") from None
        raise


class _LayerWriter:
    """Writes the members of one layer below a directory, and never through a link."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._root = directory + "/"
        self._made: Set[str] = {""}

    def write(self, descriptor: int, pack: Pack, layer: Layer, open_decompressor: Decompressor) -> List[Link]:
        """Write files and directories; give the links, which come after everything else."""
        links: List[Link] = []
        count = 0
        reader = open_layer(descriptor, pack, layer, open_decompressor)
        for member in reader.members():
            count += 1
            if member.kind == "link":
                links.append((member.name, member.target))
                continue
            parent = member.name.rpartition("/")[0]
            if parent not in self._made:
                self._make_directory(parent)
            if member.kind == "directory":
                self._make_directory(member.name)
                continue
            target = _create(self._root + member.name, member.name, member.mode)
            try:
                if member.size:
                    reader.copy_data(lambda piece, target=target: write_all(target, piece))  # type: ignore[misc]
            finally:
                os.close(target)
        if count != layer.files:
            raise corrupt(
                "this pack is damaged: a layer does not have as many members as the manifest says",
                layer=layer.name,
            )
        return links

    def write_links(self, links: List[Link]) -> None:
        """Make symbolic links. No file is written after the first of them."""
        for name, target in links:
            parent = name.rpartition("/")[0]
            if parent not in self._made:
                self._make_directory(parent)
            try:
                os.symlink(target, self._root + name)
            except FileExistsError:
                raise hostile(name, "there are two of that name") from None

    def _make_directory(self, name: str) -> None:
        if name in self._made:
            return
        self._make_directory(name.rpartition("/")[0])
        try:
            os.mkdir(self._root + name)
        except FileExistsError:
            # Another worker made it, or another layer: but a link would lead elsewhere.
            if not stat.S_ISDIR(os.lstat(self._root + name).st_mode):
                raise hostile(name, "it is no directory, yet other members lie in it") from None
        self._made.add(name)


def run_jobs(run: Callable[[int], List[Link]], count: int, workers: int, directory: str) -> List[List[Link]]:
    """Run `run(0)` to `run(count - 1)` in forked workers, each of which takes the next one when it is free.

    Args:
        run: Does one job; what it returns must be JSON.
        count: How many there are; the longest should come first.
        workers: How many processes; with 1 all run in this one.
        directory: Named in errors.

    Returns:
        What the jobs returned, in no order.

    Raises:
        ArchiveError: A job failed; the others were stopped.
    """
    if workers <= 1:
        return [run(number) for number in range(count)]
    queue, feed = os.pipe()
    # Four bytes for each job: a pipe takes thousands before it blocks, and a read takes them whole.
    started: List[Worker] = []
    try:
        while len(started) < workers:
            started.append(_start_worker(run, queue, feed, directory))
        os.close(queue)
        queue = -1
        _feed_jobs(feed, count)
        os.close(feed)
        feed = -1
        return _gather(started)
    finally:
        for descriptor in (queue, feed):
            if descriptor >= 0:
                os.close(descriptor)
        _stop(started)


def _feed_jobs(feed: int, count: int) -> None:
    for number in range(count):
        os.write(feed, number.to_bytes(4, "big"))


def _start_worker(run: Callable[[int], List[Link]], queue: int, feed: int, directory: str) -> Worker:
    parent = os.getpid()
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        os.close(reading)
        os.close(feed)
        _work(run, queue, writing, parent, directory)
    os.close(writing)
    return Worker(process, reading)


def _work(
    run: Callable[[int], List[Link]], queue: int, reports: int, parent: int, directory: str
) -> NoReturn:
    """Do jobs until there are none, report, and end without running anything that the parent set up."""
    report: Dict[str, object] = {}
    try:
        # A worker has nothing to clean up, and its parent's handler would be the wrong one.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        results = []
        while True:
            number = os.read(queue, 4)
            if not number:
                break
            if os.getppid() != parent:
                os._exit(1)
            results.append(run(int.from_bytes(number, "big")))
        report = {"results": results}
    except ArchiveError as error:
        report = {"error": _as_json(error)}
    except OSError as error:
        report = {"error": _as_json(storage(error, directory))}
    except BaseException as error:  # noqa: BLE001  # a worker must report whatever ended it
        report = {"error": _as_json(ArchiveError(f"unpacking failed: {error!r}", "unpack-failed"))}
    finally:
        with contextlib.suppress(OSError):
            write_all(reports, json.dumps(report).encode())
        os._exit(1 if "error" in report else 0)


def _as_json(error: ArchiveError) -> Dict[str, object]:
    return {
        "message": error.message,
        "code": error.code,
        "facts": list(error.facts.items()),
        "hint": error.hint,
    }


def _gather(workers: List[Worker]) -> List[List[Link]]:
    """Read the workers' reports until all have ended or one has failed."""
    parent = os.getppid()
    texts = {worker.reports: b"" for worker in workers}
    results: List[List[Link]] = []
    while texts:
        ready = select.select(list(texts), [], [], _PARENT_CHECK_SECONDS)[0]
        if os.getppid() != parent:
            raise ArchiveError("the process that asked for this has ended", "interrupted")
        for descriptor in ready:
            data = os.read(descriptor, 1 << 16)
            if data:
                texts[descriptor] += data
                continue
            results += _parse_report(texts.pop(descriptor))
    return results


def _parse_report(text: bytes) -> List[List[Link]]:
    if not text:
        raise ArchiveError(
            "a process that was unpacking was killed", "unpack-failed", {}, "is there enough memory"
        )
    report = json.loads(text.decode())
    if "error" in report:
        error = report["error"]
        raise ArchiveError(error["message"], error["code"], dict(error["facts"]), error["hint"])
    return [[(link[0], link[1]) for link in links] for links in report["results"]]


def _stop(workers: List[Worker]) -> None:
    for worker in workers:
        # One that has ended is a zombie until it is waited for, so its number is still its own.
        with contextlib.suppress(OSError):
            os.kill(worker.process, signal.SIGKILL)
    for worker in workers:
        os.close(worker.reports)
        os.waitpid(worker.process, 0)


__all__ = ["count_workers", "mark_complete", "run_jobs", "unpack_pack", "write_file"]

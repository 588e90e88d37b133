"""Byte code for unpacked wheels, by the very Python that will run them: 2.7 as well."""

import contextlib
import os
import subprocess
import tempfile
from typing import Dict, List, Sequence, Tuple

from .pythons import Python, clean_environment

_BATCH_BYTES = 400000

# Runs on 2.7 too. Reads numbers of batches from a pipe that it shares with its like, and says what it wrote.
# From 3.7 on, byte code is valid whatever happens to the times of files (PEP 552, unchecked hash).
COMPILER = r"""
import gc, hashlib, io, marshal, os, struct, sys, warnings
gc.disable()
warnings.simplefilter("ignore")
batches = [text.split("\n") for text in io.open(sys.argv[1], encoding="utf-8").read().split("\0")]
if len(batches) > 4:
    # The parser frees its memory after each module, and the system would clear it again for the next: 24 MB
    # stay, as a few bytes in each part of it are in use.
    kept = [bytes(bytearray(470)) for _ in range(50000)]
    kept[:] = kept[::500]
root, report = batches.pop(0)[0], io.open(sys.argv[2], "w", encoding="utf-8")
if sys.version_info[0] == 2:
    import imp
    magic, cached = imp.get_magic(), lambda path: path + "c"
else:
    from importlib.util import MAGIC_NUMBER as magic, cache_from_source as cached
if sys.version_info >= (3, 7):
    from importlib.util import source_hash
    head = lambda source, path: struct.pack("<L", 1) + source_hash(source)
else:
    def head(source, path):
        time = struct.pack("<L", int(os.stat(path).st_mtime) & 0xFFFFFFFF)
        return time if sys.version_info[0] == 2 else time + struct.pack("<L", len(source) & 0xFFFFFFFF)
while True:
    number = os.read(0, 4)
    if len(number) < 4:
        break
    for name in batches[struct.unpack(">L", number)[0]]:
        path = os.path.join(root, name)
        try:
            with open(path, "rb") as stream:
                source = stream.read()
            inside = name.partition("/lib/")[2]
            inside = inside.encode("utf-8") if sys.version_info[0] == 2 else inside
            code = marshal.dumps(compile(source, inside, "exec", 0, True))
        except (SyntaxError, ValueError, TypeError, OverflowError, MemoryError, RuntimeError):
            continue
        data = magic + head(source, path) + code
        target = cached(path)
        parent = os.path.dirname(target)
        try:
            if not os.path.isdir(parent):
                os.mkdir(parent)
        except OSError:
            pass
        with open(target, "wb") as stream:
            stream.write(data)
        said = (os.path.relpath(target, root), hashlib.sha256(data).hexdigest(), len(data))
        report.write(u"%s\t%s\t%d\n" % said)
report.close()
"""


def compile_modules(
    python: Python, root: str, names: Sequence[Tuple[str, int]], workers: int
) -> Dict[str, Tuple[str, int]]:
    """Compile modules below a directory. Those that this Python cannot parse are left without.

    Args:
        python: What will run them.
        root: The directory.
        names: Relative paths `WHEEL/lib/...`, each with its size in bytes.
        workers: How many processes.

    Returns:
        The byte code's relative path to its sha256 and size.

    Raises:
        OSError: There is no room for it.
    """
    if not names:
        return {}
    batches = _batches(names)
    with tempfile.TemporaryDirectory(prefix=".compile-", dir=root) as directory:
        listing = os.path.join(directory, "batches")
        with open(listing, "w", encoding="utf-8") as stream:
            stream.write("\0".join([root] + ["\n".join(batch) for batch in batches]))
        reports = [os.path.join(directory, f"report{number}") for number in range(min(workers, len(batches)))]
        failure = _run_compilers(python, listing, reports, len(batches))
        if failure:
            raise OSError(0, "compiling failed: " + failure)
        return _read_reports(reports)


def _batches(names: Sequence[Tuple[str, int]]) -> List[List[str]]:
    batches: List[List[str]] = []
    room = 0
    for name, size in sorted(names, key=lambda pair: -pair[1]):
        if not batches or size > room:
            batches.append([])
            room = _BATCH_BYTES
        batches[-1].append(name)
        room -= size + 2000
    return batches


def _run_compilers(python: Python, listing: str, reports: Sequence[str], count: int) -> str:
    """Run as many compilers as there are reports; return what the first that failed said."""
    queue, feed = os.pipe()
    processes: List["subprocess.Popen[bytes]"] = []
    try:
        with contextlib.ExitStack() as opened:
            opened.callback(os.close, queue)
            for report in reports:
                processes.append(  # noqa: PERF401  # each is to be stopped, also when the next cannot be started
                    subprocess.Popen(
                        [python.executable, "-E", "-s", "-S", "-B", "-c", COMPILER, listing, report],
                        stdin=queue,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.PIPE,
                        env=clean_environment(),
                    )
                )
        for number in range(count):
            os.write(feed, number.to_bytes(4, "big"))
        os.close(feed)
        feed = -1
        said = [process.communicate()[1] for process in processes]
    except BrokenPipeError:
        said = [process.communicate()[1] for process in processes]
    finally:
        if feed >= 0:
            os.close(feed)
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
    for process, text in zip(processes, said):
        if process.returncode:
            lines = text.decode("utf-8", "replace").strip().splitlines() or [f"status {process.returncode}"]
            return lines[-1]
    return ""


def _read_reports(reports: Sequence[str]) -> Dict[str, Tuple[str, int]]:
    found = {}
    for report in reports:
        with open(report, encoding="utf-8") as stream:
            for line in stream:
                name, digest, size = line.rstrip("\n").split("\t")
                found[name] = (digest, int(size))
    return found

"""Byte code made ahead of time, by the Python that will run it, with the same bytes on every machine.

The files are unchecked-hash `.pyc` (PEP 552): valid whatever time the source has after unpacking. What
marshal writes depends on what its process has seen before, so each batch of sources, cut by their sizes
alone, has a fresh process.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from pannier.model.errors import InterpreterError
from pannier.model.interpreter import Interpreter
from pannier.store.writing import whole_file

BYTECODE_VERSION = 1
_BATCH_SIZE = 1 << 20
_BATCH_FILES = 200
_LENGTH = 8
# Interpreters that a cluster's modules put on PATH do not start without.
_LIBRARY_PATH = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}

# Read from a pipe: name length, source length, name, source, and so on; written: length of the byte code,
# which is 0 for what does not compile, and the byte code. Nothing is imported that is not built in.
_WORKER = """\
import sys, marshal, _imp
from _frozen_importlib_external import MAGIC_NUMBER
def main():
    read, write = sys.stdin.buffer.read, sys.stdout.buffer.write
    key = int.from_bytes(MAGIC_NUMBER, "little")
    while True:
        head = read(8)
        if not head:
            break
        name = read(int.from_bytes(head[:4], "little")).decode("utf-8")
        text = read(int.from_bytes(head[4:], "little"))
        try:
            code = compile(text, name, "exec", dont_inherit=True, optimize=0)
            data = MAGIC_NUMBER + bytes([1, 0, 0, 0]) + _imp.source_hash(key, text) + marshal.dumps(code)
        except Exception:
            data = b""
        write(len(data).to_bytes(4, "little") + data)
    sys.stdout.buffer.flush()
main()
"""


class Compiler(NamedTuple):
    """The Python whose byte code is wanted.

    Attributes:
        python_executable: What to start.
        version: Whole version.
        implementation: `cpython`.
        identity: Tells two builds of one version apart; part of the names of what is kept.
    """

    python_executable: str
    version: str
    implementation: str
    identity: str

    @property
    def cache_tag(self) -> str:
        """The part of a `.pyc`'s name that says who can read it (`cpython-311`)."""
        major, minor = self.version.split(".")[:2]
        return f"{self.implementation}-{major}{minor}"


class Source(NamedTuple):
    """A module to compile.

    Attributes:
        name: Place in the prefix; stands in tracebacks until the import system puts the true path there.
        size: Of the source, in bytes.
        read: Returns the source.
    """

    name: str
    size: int
    read: Callable[[], bytes]


def compiler_of(interpreter: Interpreter) -> Compiler | None:
    """Make a compiler of a probed interpreter; `None` for one older than unchecked byte code (3.7)."""
    if tuple(map(int, interpreter.version.split(".")[:2])) < (3, 7):
        return None
    executable = os.path.realpath(interpreter.base_executable or interpreter.python_executable)
    status = os.stat(executable)  # noqa: PTH116 - one of few calls on the warm path
    identity = f"{interpreter.version} {executable} {status.st_size} {status.st_mtime_ns}"
    return Compiler(
        executable,
        interpreter.version,
        interpreter.implementation,
        hashlib.sha256(identity.encode()).hexdigest()[:16],
    )


def bytecode_name(source_name: str, cache_tag: str) -> str:
    """Say where the byte code of a module belongs (PEP 3147)."""
    directory, _, filename = source_name.rpartition("/")
    cached = f"__pycache__/{filename.removesuffix('.py')}.{cache_tag}.pyc"
    return f"{directory}/{cached}" if directory else cached


class Bytecode:
    """The byte code of one distribution, kept in one file: an index of sizes, then all `.pyc` end to end.

    Args:
        path: The file.
        cache_tag: Who can read the byte code (`cpython-311`).

    Attributes:
        cache_tag: The same.
    """

    def __init__(self, path: Path, cache_tag: str) -> None:
        self.cache_tag = cache_tag
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        length = int.from_bytes(os.pread(self._descriptor, _LENGTH, 0), "little")
        index: dict[str, int] = json.loads(os.pread(self._descriptor, length, _LENGTH))
        self._places: dict[str, tuple[int, int]] = {}
        offset = _LENGTH + length
        for name, size in index.items():
            self._places[name] = (offset, size)
            offset += size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def size(self, name: str) -> int:
        """Return the size of the byte code of the module at `name`; 0 when it has none."""
        return self._places.get(name, (0, 0))[1]

    def read(self, name: str) -> bytes:
        """Return the byte code of the module at `name`."""
        offset, size = self._places[name]
        return os.pread(self._descriptor, size, offset)


def prepare(
    sha256: str, sources: Sequence[Source], compiler: Compiler, directory: Path, workers: int
) -> Path:
    """Compile sources unless that was done before.

    Args:
        sha256: Names what the sources are from; the same for the same sources.
        sources: In any order.
        compiler: The Python to compile with.
        directory: Where byte code is kept.
        workers: Processes to run at once; the result does not depend on it.

    Returns:
        A file to open with `Bytecode`.

    Raises:
        InterpreterError: The compiler does not run.
    """
    path = kept_path(sha256, compiler, directory)
    if path.exists():
        return path
    ordered = sorted(sources, key=lambda source: source.name)
    compiled = [pair for batch in _compile_all(ordered, compiler, workers) for pair in batch]
    index = json.dumps({name: len(data) for name, data in compiled if data}).encode()
    with whole_file(path) as stream:
        stream.write(len(index).to_bytes(_LENGTH, "little") + index)
        for _, data in compiled:
            stream.write(data)
    return path


def kept_path(sha256: str, compiler: Compiler, directory: Path) -> Path:
    """Say where the byte code of what `sha256` names is kept."""
    return directory / f"{sha256}.{compiler.cache_tag}.{compiler.identity}.{BYTECODE_VERSION}"


def _compile_all(
    sources: Sequence[Source], compiler: Compiler, workers: int
) -> Iterable[list[tuple[str, bytes]]]:
    batches = list(_batches(sources))
    if len(batches) < 2:
        return [_compile_batch(batch, compiler) for batch in batches]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda batch: _compile_batch(batch, compiler), batches))


def _batches(sources: Sequence[Source]) -> Iterator[list[Source]]:
    batch: list[Source] = []
    size = 0
    for source in sources:
        batch.append(source)
        size += source.size
        if size >= _BATCH_SIZE or len(batch) >= _BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _compile_batch(batch: Sequence[Source], compiler: Compiler) -> list[tuple[str, bytes]]:
    import subprocess

    parts: list[bytes] = []
    for source in batch:
        name, text = source.name.encode(), source.read()
        parts += [len(name).to_bytes(4, "little"), len(text).to_bytes(4, "little"), name, text]
    # Isolation (-I) would ignore PYTHONHASHSEED, on which the order of constant sets depends before 3.11; an
    # environment of its own and no `site` isolate as well.
    done = subprocess.run(
        [compiler.python_executable, "-S", "-B", "-W", "ignore", "-c", _WORKER],
        input=b"".join(parts),
        capture_output=True,
        env={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", **_LIBRARY_PATH},
        cwd="/",
        check=False,
    )
    if done.returncode:
        raise InterpreterError(
            f"`{compiler.python_executable}` failed while compiling",
            code="compile-failed",
            facts={
                "status": str(done.returncode),
                "said": done.stderr.decode(errors="replace").strip()[-500:],
                "modules": f"{batch[0].name} to {batch[-1].name}",
            },
        )
    return _take_apart(batch, done.stdout)


def _take_apart(batch: Sequence[Source], output: bytes) -> list[tuple[str, bytes]]:
    compiled = []
    offset = 0
    for source in batch:
        size = int.from_bytes(output[offset : offset + 4], "little")
        compiled.append((source.name, output[offset + 4 : offset + 4 + size]))
        offset += 4 + size
    return compiled

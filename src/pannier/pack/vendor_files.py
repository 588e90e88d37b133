"""The files of wheels in a directory that goes on `sys.path`, each once, with its hash written down."""

import hashlib
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from pannier.formats.wheels import RecordEntry, format_record, parse_record
from pannier.model.events import Notice, Reporter
from pannier.pack.building import available_cores
from pannier.pack.bytecode import Bytecode, Compiler, Source, prepare
from pannier.pack.contents import Item, bytecode_items, item_of_bytes
from pannier.pack.installation import Installation
from pannier.pack.plan import PlannedWheel
from pannier.pack.wheel_archive import WheelArchive
from pannier.store.directories import CacheDirectories

# Name below the tree to size in bytes and sha256; without byte code, which may be made anew or left out.
Inventory = dict[str, tuple[int, str]]
# Python before 3.7 compares the time of a source with that in its byte code: one that every copy can have.
_TIME = 315_532_800
_SHEBANG = b"#!python"


class TreeWriter:
    """Writes the files of a tree.

    Args:
        root: An empty directory.
        directories: The cache, where byte code is kept.
        reporter: Hears of files that two wheels have.

    Attributes:
        inventory: What was written.
    """

    def __init__(self, root: Path, directories: CacheDirectories, reporter: Reporter) -> None:
        self.inventory: Inventory = {}
        self._root = os.fspath(root)
        self._bytecode = directories.bytecode
        self._reporter = reporter
        self._made: set[str] = set()

    def add_wheel(
        self, wheel: PlannedWheel, directory: str, compilers: Mapping[str, Compiler | None]
    ) -> None:
        """Lay a wheel out.

        Args:
            wheel: The wheel.
            directory: Where, below the tree.
            compilers: The `major.minor` of each Python that uses it, and what makes byte code for it.

        Raises:
            PackError: It is no wheel that can be laid out.
        """
        with WheelArchive(wheel.path) as archive:
            commands = _compiled_commands(archive)
            for number, (minor, compiler) in enumerate(compilers.items()):
                installation = Installation(archive, minor)
                home = f"lib/python{minor}/site-packages/"
                if number == 0:
                    for item in _flat_items(installation.items(None, frozenset()), home, commands):
                        self._add(item, directory, wheel.path.name)
                if compiler is not None:
                    kept = prepare(
                        wheel.sha256, installation.sources(), compiler, self._bytecode, available_cores()
                    )
                    self._add_bytecode(installation, kept, compiler, home, directory)

    def write(self, name: str, data: bytes) -> None:
        """Write one file below the tree."""
        self._write(name, item_of_bytes(name, data))

    def compile_text(self, name: str, text: bytes, compiler: Compiler) -> None:
        """Write the byte code of one module."""
        source = Source(name, len(text), lambda: text)
        kept = prepare(hashlib.sha256(text).hexdigest(), [source], compiler, self._bytecode, 1)
        with Bytecode(kept, compiler.cache_tag) as bytecode:
            for item in bytecode_items([name], bytecode):
                self._write(item.name, item)

    def compile_with(self, python_executable: str, directory: str) -> None:
        """Let a Python before 3.7 compile what lies in a directory, as far as it can."""
        path = os.path.join(self._root, directory)
        command = [python_executable, "-S", "-s", "-m", "compileall", "-q", "."]
        environment = {"LC_ALL": "C.UTF-8", "PATH": os.defpath}
        subprocess.run(command, cwd=path, env=environment, capture_output=True, check=False)

    def has_pth(self, directory: str) -> bool:
        """Whether a directory has .pth files."""
        names = os.listdir(os.path.join(self._root, directory))
        return any(name.endswith(".pth") for name in names)

    def _add(self, item: Item, directory: str, wheel: str) -> None:
        name = f"{directory}/{item.name}"
        before = self.inventory.get(name)
        self._write(name, item)
        if before is not None and before != self.inventory[name]:
            self._reporter.warn(
                Notice(
                    message=f"`{wheel}` and another distribution install different files at one place",
                    code="file-clash",
                    facts={"files": [item.name], "kept": wheel},
                )
            )

    def _add_bytecode(
        self, installation: Installation, kept: Path, compiler: Compiler, home: str, directory: str
    ) -> None:
        with Bytecode(kept, compiler.cache_tag) as bytecode:
            names = [source.name for source in installation.sources()]
            for item in bytecode_items(names, bytecode):
                self._write(f"{directory}/{item.name.removeprefix(home)}", item)

    def _write(self, name: str, item: Item) -> None:
        path = os.path.join(self._root, name)
        parent = os.path.dirname(path)
        if parent not in self._made:
            os.makedirs(parent, exist_ok=True)  # noqa: PTH103 - thousands of files
            self._made.add(parent)
        digest, size = hashlib.sha256(), 0
        mode = 0o777 if item.executable else 0o666
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        try:
            for piece in item.pieces() if item.pieces else ():
                digest.update(piece)
                size += len(piece)
                _write_all(descriptor, piece)
            if name.endswith(".py"):
                os.utime(descriptor, (_TIME, _TIME))
        finally:
            os.close(descriptor)
        if not name.endswith(".pyc"):
            self.inventory[name] = (size, digest.hexdigest())


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _flat_items(items: Iterable[Item], home: str, commands: frozenset[str]) -> list[Item]:
    """What of a prefix belongs into a directory of modules, under its names there; RECORD says the same."""
    flat: list[Item] = []
    record: Item | None = None
    for item in items:
        if item.name.startswith("include/") or (
            item.name.startswith("bin/") and item.name.removeprefix("bin/") not in commands
        ):
            continue
        name = item.name.removeprefix(home)
        if name != item.name and name.endswith(".dist-info/RECORD") and name.count("/") == 1:
            record = item
        flat.append(Item(name, item.size, item.pieces, item.executable, item.link_target, item.crc32))
    if record is None or record.pieces is None:
        return flat
    kept = {item.name for item in flat}
    entries = [
        RecordEntry(path, entry.digest, entry.size)
        for entry in parse_record(b"".join(record.pieces()).decode())
        if (path := entry.path.removeprefix("../../../")) in kept
    ]
    place = record.name.removeprefix(home)
    written = item_of_bytes(place, format_record(entries).encode())
    return [written if item.name == place else item for item in flat]


def _compiled_commands(archive: WheelArchive) -> frozenset[str]:
    """The programs of a wheel that no Python runs; others need one, and are reached as modules."""
    found = set()
    for name, info in archive.members.items():
        parts = name.split("/")
        if len(parts) == 3 and parts[0].endswith(".data") and parts[1] == "scripts":
            first = next(iter(archive.pieces(info)), b"")
            if not first.startswith(_SHEBANG):
                found.add(parts[2])
    return frozenset(found)

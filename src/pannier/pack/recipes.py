"""Recipes: what each layer of a pack is made from, and the key of what would come out."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from pannier.formats.wheels import format_program_script, parse_wheel_filename
from pannier.model.errors import HashMismatchError
from pannier.model.manifest import LayerKind
from pannier.model.target import Platform, Target
from pannier.pack.bytecode import Bytecode, Compiler, Source
from pannier.pack.contents import Item, bytecode_items, item_of_bytes

LAYER_VERSION = 1
_PIECE = 1 << 20
_OWN_NAMES = {"runtime", "interpreter", "data", "program"}


class TreeEntry(Protocol):
    """One file or link of a relocatable interpreter."""

    @property
    def name(self) -> str:
        """Path in the prefix."""

    @property
    def source(self) -> Path | None:
        """The file with its content; `None` for a link."""

    @property
    def link_target(self) -> str:
        """A bare name beside it; empty for a file."""

    @property
    def executable(self) -> bool:
        """Mode 0755 rather than 0644."""


class InterpreterTree(Protocol):
    """Everything a relocatable copy of an interpreter consists of."""

    @property
    def fingerprint(self) -> str:
        """The same for the same bytes on any machine."""

    @property
    def version(self) -> str:
        """Of the interpreter, whole."""

    @property
    def executable(self) -> str:
        """Path in the prefix."""

    @property
    def platform(self) -> Platform:
        """What it runs on, with the least C library."""

    @property
    def entries(self) -> Sequence[TreeEntry]:
        """Files and links."""


class Contents(Protocol):
    """What a layer is made from, open for reading."""

    def sources(self) -> Sequence[Source]:
        """Return the modules to compile."""

    def items(self, bytecode: Bytecode | None, excluded: frozenset[str]) -> Sequence[Item]:
        """Return the members, sorted by name, with byte code where there is some and without the excluded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How to make one layer, and the key of what would come out.

    Attributes:
        kind: What it carries.
        name: Its name in the pack.
        version: Of the distribution or interpreter.
        source: File name of the distribution.
        source_sha256: Names what the content is from.
        python: The Python it is laid out for; empty where that does not matter.
        compiler: Makes its byte code; `None` to leave that to the target.
        excluded: Places in the prefix that other layers fill.
        open: Opens the content.
        weight: About how many bytes there are to work on.
    """

    kind: LayerKind
    name: str
    version: str = ""
    source: str = ""
    source_sha256: str
    python: str = ""
    compiler: Compiler | None = None
    excluded: frozenset[str] = frozenset()
    open: Callable[[], AbstractContextManager[Contents]]
    weight: int = 0

    def key(self, codec: str) -> str:
        """Return what the layer is kept under: a digest over all that its bytes depend on."""
        fields = [
            LAYER_VERSION,
            self.kind,
            self.name,
            self.version,
            self.source,
            self.source_sha256,
            self.python,
            self.compiler and [self.compiler.cache_tag, self.compiler.identity],
            codec,
            sorted(self.excluded),
        ]
        return hashlib.sha256(json.dumps(fields).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedFile:
    """A file of this machine that goes into a pack.

    Attributes:
        name: Path in the prefix.
        path: Where it is here.
    """

    name: str
    path: Path


def recipe_of_wheel(
    path: Path, sha256: str, target: Target, compiler: Compiler | None, kind: LayerKind = "distribution"
) -> Recipe:
    """Plan the layer of a wheel.

    Args:
        path: The wheel; its sha256 was checked when it was stored, and is again before it is used.
        sha256: That digest.
        target: What it is laid out for.
        compiler: Makes its byte code; `None` to leave that to the target.
        kind: `program` for a project of the user's own.

    Raises:
        PackError: The file's name is no wheel's.
    """
    name = parse_wheel_filename(path.name)
    # A layer's name is unique in its pack, and there are projects that are called like our own layers.
    layer_name = f"{name.project} (project)" if name.project in _OWN_NAMES else name.project
    python_minor = target.python_minor
    check = cache(lambda: _check_unchanged(path, sha256))

    @contextmanager
    def opened() -> Iterator[Contents]:
        from pannier.pack.installation import Installation
        from pannier.pack.wheel_archive import WheelArchive

        check()
        with WheelArchive(path) as archive:
            yield Installation(archive, python_minor)

    return Recipe(
        kind=kind,
        name=layer_name,
        version=name.version,
        source=path.name,
        source_sha256=sha256,
        python=f"{target.implementation} {python_minor}",
        compiler=compiler,
        open=opened,
        weight=_size(path),
    )


def _check_unchanged(path: Path, sha256: str) -> None:
    """Refuse a wheel that was altered since it was stored, by a failing disk or by somebody.

    Raises:
        HashMismatchError: It was.
    """
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        raise HashMismatchError(
            f"`{path.name}` has changed in the cache since it was stored",
            facts={"file": str(path), "stored": f"sha256:{sha256}", "found": f"sha256:{found}"},
            hint="remove it with `pannier cache clean distributions built`, and run the same again",
        )


def recipe_of_interpreter(tree: InterpreterTree, compiler: Compiler | None) -> Recipe:
    """Plan the layer of a relocatable interpreter."""

    def read_items() -> list[Item]:
        return [_item_of_entry(entry) for entry in tree.entries if "/__pycache__/" not in entry.name]

    return Recipe(
        kind="interpreter",
        name="interpreter",
        version=tree.version,
        source_sha256=tree.fingerprint,
        compiler=compiler,
        open=lambda: nullcontext(ListedContents(read_items())),
        weight=len(tree.entries) * 20_000,
    )


def recipe_of_program(
    command: str,
    files: Sequence[tuple[str, Path]],
    *,
    script: str,
    module: str,
    target: Target,
    compiler: Compiler | None,
) -> Recipe:
    """Plan the layer of a program's own files.

    Args:
        command: Name of its command in `bin`; empty for none.
        files: Path below `program/` to the file on this machine.
        script: The file below `program/` that starts it; empty when `module` does, or nothing.
        module: The module to run as `python -m` would.
        target: What it is laid out for.
        compiler: Makes its byte code; `None` to leave that to the target.
    """
    made = []
    if command and script:
        made.append(
            item_of_bytes(
                f"bin/{command}", format_program_script(script=f"program/{script}"), executable=True
            )
        )
    elif command and module:
        made.append(item_of_bytes(f"bin/{command}", format_program_script(module=module), executable=True))
    # The program's modules are there for other scripts of its environment too, behind everything else.
    site_packages = f"lib/python{target.python_minor}/site-packages"
    made.append(item_of_bytes(f"{site_packages}/pannier-program.pth", b"../../../program\n"))
    named = [PackedFile(name=f"program/{name}", path=path) for name, path in files]
    return _recipe_of_files("program", "program", named, made, compiler)


def recipe_of_data(name: str, files: Sequence[PackedFile]) -> Recipe:
    """Plan a layer of files that are nobody's code.

    Args:
        name: The layer's name in the pack.
        files: Below `data/` in the prefix.
    """
    return _recipe_of_files("data", name, files, [], None)


def recipe_of_runtime(directory: Path, environment: Sequence[tuple[str, str]]) -> Recipe:
    """Plan the layer that unpacks and starts all others.

    Args:
        directory: `pannier.runtime`.
        environment: Variables to set at run time, name to path in the prefix.
    """
    made = [
        item_of_bytes(f".pannier/runtime/{path.name}", path.read_bytes())
        for path in sorted(directory.glob("*.py"))
    ]
    made.append(item_of_bytes("bin/run_in_env", (directory / "launcher.sh").read_bytes(), executable=True))
    if environment:
        lines = "".join(f"{variable} {path}\n" for variable, path in sorted(environment))
        made.append(item_of_bytes(".pannier/environment", lines.encode()))
    return _recipe_of_files("runtime", "runtime", [], made, None)


class ListedContents:
    """Contents that are a list of items.

    Args:
        listed: The items, byte code left out.
    """

    def __init__(self, listed: Iterable[Item]) -> None:
        self._items = {item.name: item for item in listed}

    def sources(self) -> Sequence[Source]:
        """Return the modules to compile."""
        return [
            Source(item.name, item.size, lambda item=item: _whole(item))  # type: ignore[misc]
            for item in self._items.values()
            if item.name.endswith(".py") and item.pieces is not None
        ]

    def items(self, bytecode: Bytecode | None, excluded: frozenset[str]) -> Sequence[Item]:
        """Return the members, sorted by name, with byte code where there is some and without the excluded."""
        items = {name: item for name, item in self._items.items() if name not in excluded}
        if bytecode is not None:
            items |= {item.name: item for item in bytecode_items(items, bytecode)}
        return [items[name] for name in sorted(items)]


def _recipe_of_files(
    kind: LayerKind, name: str, files: Sequence[PackedFile], made: Sequence[Item], compiler: Compiler | None
) -> Recipe:
    items = [_item_of_file(file.name, file.path) for file in files] + list(made)
    digest = hashlib.sha256()
    for item in sorted(items, key=lambda item: item.name):
        digest.update(f"{item.name}\0{item.size} {item.executable}\0".encode())
        for piece in item.pieces() if item.pieces else ():
            digest.update(piece)
    return Recipe(
        kind=kind,
        name=name,
        source_sha256=digest.hexdigest(),
        compiler=compiler,
        open=lambda: nullcontext(ListedContents(items)),
        weight=sum(item.size for item in items),
    )


def _item_of_entry(entry: TreeEntry) -> Item:
    if entry.source is None:
        return Item(entry.name, link_target=entry.link_target)
    item = _item_of_file(entry.name, entry.source)
    item.executable = entry.executable
    return item


def _item_of_file(name: str, path: Path) -> Item:
    status = os.stat(path)  # noqa: PTH116 - an interpreter has thousands
    return Item(name, status.st_size, lambda: _file_pieces(path), bool(status.st_mode & 0o100))


def _file_pieces(path: Path) -> Iterator[bytes]:
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - an interpreter has thousands
        while piece := stream.read(_PIECE):
            yield piece


def _whole(item: Item) -> bytes:
    return b"".join(item.pieces()) if item.pieces is not None else b""


def _size(path: Path) -> int:
    return os.stat(path).st_size  # noqa: PTH116 - the warm path has one per wheel

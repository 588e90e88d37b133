"""Layers: finished frames, made once and kept under a key of all that their bytes depend on."""

import json
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pannier.formats.frames import Codec, FrameWriter
from pannier.formats.manifests import layer_object, parse_layer
from pannier.model.errors import CorruptPackError
from pannier.model.manifest import Layer
from pannier.pack.bytecode import Bytecode, kept_path, prepare
from pannier.pack.contents import Trace, write_items
from pannier.pack.recipes import Contents, Recipe
from pannier.store.directories import CacheDirectories
from pannier.store.writing import whole_file, write_whole

# Frames of more content than this are compressed on several threads. Part of the format of a layer.
_LARGE = 96 << 20
_SUFFIXES: dict[Codec, str] = {"gzip": "gz", "zstd": "zst"}


@dataclass(frozen=True, slots=True)
class KeptLayer:
    """A layer that lies ready in the store.

    Attributes:
        layer: As the manifest tells it.
        path: The frame.
    """

    layer: Layer
    path: Path


class LayerStore:
    """Finished layers, in files named by their keys.

    Args:
        directories: The cache they are in, with the byte code they are made from.
        codec: Of all layers asked for.
        workers: Compilers to run at once.
    """

    def __init__(self, directories: CacheDirectories, codec: Codec, workers: int = 2) -> None:
        self._directory = directories.layers
        self._bytecode = directories.bytecode
        self._codec = codec
        self._workers = workers

    def find(self, recipe: Recipe) -> KeptLayer | None:
        """Return the layer of a recipe if it was made before and nobody cut it short since."""
        path = self._frame_path(recipe)
        try:
            data = path.with_suffix(".json").read_bytes()
            layer = parse_layer(json.loads(data))
            is_whole = path.stat().st_size == layer.size
        except (OSError, ValueError, CorruptPackError):
            return None
        return KeptLayer(layer, path) if is_whole else None

    def make(self, recipe: Recipe) -> KeptLayer:
        """Make the layer of a recipe and keep it.

        Raises:
            PackError: Its content cannot be packed.
            InterpreterError: Its modules cannot be compiled.
            StorageError: It cannot be written.
        """
        path = self._frame_path(recipe)
        with recipe.open() as contents, ExitStack() as opened, whole_file(path) as stream:
            bytecode = None
            if recipe.compiler and (kept := self._compile(recipe, contents)):
                bytecode = opened.enter_context(Bytecode(kept, recipe.compiler.cache_tag))
            items = contents.items(bytecode, recipe.excluded)
            frame = FrameWriter(stream, self._codec, is_large=sum(item.size for item in items) > _LARGE)
            traces = write_items(items, frame)
        layer = _layer_of(recipe, frame, len(traces))
        write_whole(path.with_suffix(".names"), _format_traces(traces))
        # Last, because it is what says that the others are there.
        write_whole(path.with_suffix(".json"), json.dumps(layer_object(layer)).encode())
        return KeptLayer(layer, path)

    def compile(self, recipe: Recipe) -> None:
        """Have a recipe's modules compiled and kept, unless they are.

        Raises:
            InterpreterError: They cannot be compiled.
        """
        if not self.is_compiled(recipe):
            with recipe.open() as contents:
                self._compile(recipe, contents)

    def is_compiled(self, recipe: Recipe) -> bool:
        """Tell whether nothing is left to compile for a recipe."""
        return (
            recipe.compiler is None
            or kept_path(recipe.source_sha256, recipe.compiler, self._bytecode).exists()
        )

    def _compile(self, recipe: Recipe, contents: Contents) -> Path | None:
        if recipe.compiler is None:
            return None
        return prepare(
            recipe.source_sha256, contents.sources(), recipe.compiler, self._bytecode, self._workers
        )

    def traces(self, recipe: Recipe) -> list[Trace]:
        """Return the names and contents of a kept layer's members."""
        path = self._frame_path(recipe).with_suffix(".names")
        if not path.exists():
            self.make(recipe)
        data = path.read_bytes().decode()
        return [Trace(*line.split("\0")) for line in data.split("\0\n")[:-1]]

    def _frame_path(self, recipe: Recipe) -> Path:
        key = recipe.key(self._codec)
        return self._directory / key[:2] / f"{key}.{_SUFFIXES[self._codec]}"


def _layer_of(recipe: Recipe, frame: FrameWriter, files: int) -> Layer:
    return Layer(
        kind=recipe.kind,
        name=recipe.name,
        version=recipe.version,
        source=recipe.source,
        source_sha256=recipe.source_sha256 if recipe.source else "",
        sha256=frame.sha256,
        size=frame.size,
        content_sha256=frame.content_sha256,
        content_size=frame.content_size,
        files=files,
        bytecode=recipe.compiler is not None or recipe.kind in {"runtime", "data"},
    )


def _format_traces(traces: Iterable[Trace]) -> bytes:
    # A name may hold any character but NUL, line ends included.
    return "".join(f"{trace.name}\0{trace.content}\0\n" for trace in traces).encode()

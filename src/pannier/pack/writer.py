"""A pack put together from finished layers, by copying them one after the other.

What costs time is done once: layers are kept by what they are made from, and for each set of layers it is
kept which of them clash and what their bootstrap range hashes to. So packing again reads a few small files,
and copies.
"""

import errno
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pannier.formats.frames import Codec, store_frame, stored_frame_size
from pannier.formats.manifests import MANIFEST_NAME, format_manifest
from pannier.formats.pack_head import HEAD_NAME, format_head, head_of
from pannier.formats.segments import BLOCK, END_OF_ARCHIVE, Member, format_header, padding
from pannier.model.errors import PackError
from pannier.model.events import Reporter, SilentReporter, Stage
from pannier.model.manifest import Manifest
from pannier.pack.building import LayerBuilder
from pannier.pack.composition import Composition, compose
from pannier.pack.layers import KeptLayer
from pannier.pack.plan import PackPlan, least_platform, packed_interpreter, packed_program, recipes_of
from pannier.store.directories import CacheDirectories
from pannier.store.writing import whole_file

_PIECE = 1 << 24
# What `copy_file_range` says of file systems, kernels and descriptors between which it does not copy.
_NO_COPY_RANGE = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenPack:
    """A pack that was written.

    Attributes:
        manifest: What is in it.
        pack_id: sha256 of the manifest's JSON.
        size: Of the file, in bytes.
        reused_layers: How many of its layers lay ready.
    """

    manifest: Manifest
    pack_id: str
    size: int
    reused_layers: int


def write_pack(
    plan: PackPlan,
    output: Path,
    directories: CacheDirectories,
    reporter: Reporter | None = None,
    *,
    runtime: Path | None = None,
) -> WrittenPack:
    """Write a pack; the same plan gives the same bytes, whatever the machine, the day and the cache.

    Args:
        plan: What to pack.
        output: The file to write, whole or not at all.
        directories: The cache that layers are kept in.
        reporter: Hears of progress and of files that distributions fight over.
        runtime: Directory of what travels; `pannier.runtime` itself unless a test has another.

    Raises:
        PackError: Something cannot be packed.
        InterpreterError: Modules cannot be compiled.
        StorageError: The pack or the cache cannot be written.
    """
    reporter = reporter or SilentReporter()
    builder = LayerBuilder(directories, plan.codec, reporter)
    composition = compose(recipes_of(plan, runtime or _runtime_directory()), builder, directories.layers)
    for notice in composition.notices:
        reporter.warn(notice)
    layers = composition.layers
    manifest = _manifest(plan, layers)
    pack_id, start = _start_of(manifest, composition, plan.codec)
    end = store_frame(END_OF_ARCHIVE, plan.codec)
    with whole_file(output) as stream:
        stream.write(start)
        stream.flush()
        _append(layers, stream.fileno(), reporter)
        stream.write(end)
    size = len(start) + sum(one.layer.size for one in layers) + len(end)
    reused = sum(recipe.key(plan.codec) not in builder.made for recipe in composition.recipes)
    return WrittenPack(manifest=manifest, pack_id=pack_id, size=size, reused_layers=reused)


def _runtime_directory() -> Path:
    import pannier.runtime

    return Path(next(iter(pannier.runtime.__path__)))


def _manifest(plan: PackPlan, layers: Sequence[KeptLayer]) -> Manifest:
    if not plan.name.isprintable() or not plan.name.strip():
        raise PackError(
            f"a pack cannot be called {plan.name!r}",
            code="pack-name",
            hint="choose a name of printable characters with `--name`",
        )
    return Manifest(
        name=plan.name,
        target=plan.target._replace(platform=least_platform(plan)),
        interpreter=packed_interpreter(plan),
        program=packed_program(plan),
        layers=tuple(one.layer for one in layers),
        environment=tuple(sorted(plan.environment)),
        lock_sha256=plan.lock_sha256,
    )


def _start_of(manifest: Manifest, composition: Composition, codec: Codec) -> tuple[str, bytes]:
    """Return a pack's id and its first two frames; the head tells offsets of what lies behind it."""
    data = format_manifest(manifest)
    pack_id = hashlib.sha256(data).hexdigest()
    # Stored, as the head must be: it is small, and so no compressor is loaded to pack again.
    manifest_frame = store_frame(_segment(MANIFEST_NAME, data), codec)
    bootstrap = [layer for layer in manifest.layers if layer.kind in {"runtime", "interpreter"}]
    bootstrap_size = sum(layer.size for layer in bootstrap)
    head_size = 0
    # The head's length depends on its numbers, and those on its length; it grows by blocks, so it settles at
    # once.
    while True:
        after = head_size + len(manifest_frame)
        head = head_of(
            manifest,
            pack_id=pack_id,
            manifest_range=(head_size, len(manifest_frame)),
            bootstrap=(after, bootstrap_size, composition.bootstrap_sha256),
        )
        segment = _segment(HEAD_NAME, format_head(head))
        if stored_frame_size(len(segment), codec) == head_size:
            return pack_id, store_frame(segment, codec) + manifest_frame
        head_size = stored_frame_size(len(segment), codec)


def _segment(name: str, data: bytes) -> bytes:
    segment = format_header(Member(name, len(data))) + data + padding(len(data))
    if len(segment) % BLOCK:
        raise AssertionError(name)
    return segment


def _append(layers: Sequence[KeptLayer], target: int, reporter: Reporter) -> None:
    """Append the layers to a file; the kernel moves the bytes."""
    stage = Stage(name="writing", total=sum(one.layer.size for one in layers), unit="bytes")
    reporter.begin(stage)
    try:
        for one in layers:
            source = os.open(one.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                _copy(source, target, one)
            finally:
                os.close(source)
            reporter.advance(stage, one.layer.size, one.layer.name)
    finally:
        reporter.end(stage)


def _copy(source: int, target: int, one: KeptLayer) -> None:
    left = one.layer.size
    copy: Callable[[int, int, int], int] = os.copy_file_range
    while left:
        try:
            copied = copy(source, target, min(left, _PIECE))
        except OSError as error:
            if copy is _send_file or error.errno not in _NO_COPY_RANGE:
                raise
            copy = _send_file
            continue
        if not copied:
            raise PackError(
                f"the layer of `{one.layer.name}` in the cache is cut short",
                code="layer-damaged",
                facts={"file": str(one.path)},
                hint="remove it with `pannier cache clean` and pack again",
            )
        left -= copied


def _send_file(source: int, target: int, count: int) -> int:
    return os.sendfile(target, source, None, count)

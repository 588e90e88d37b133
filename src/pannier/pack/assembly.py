"""A pack put together from a manifest and finished frames, by copying them one after the other."""

import errno
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pannier.formats.frames import Codec, store_frame, stored_frame_size
from pannier.formats.manifests import MANIFEST_NAME, format_manifest
from pannier.formats.pack_head import HEAD_NAME, format_head, head_of
from pannier.formats.segments import BLOCK, END_OF_ARCHIVE, Member, format_header, padding
from pannier.model.errors import PackError
from pannier.model.events import Reporter, Stage
from pannier.model.manifest import Layer, Manifest
from pannier.store.copying import copy_content
from pannier.store.writing import whole_file


class Assembly(NamedTuple):
    """Everything that a pack is put together from.

    Attributes:
        manifest: What is in it.
        frames: The file with each of the manifest's layers, in their order.
        bootstrap_sha256: Hex digest of the frames that the launcher unpacks by itself, end to end.
        codec: Of all frames.
    """

    manifest: Manifest
    frames: tuple[Path, ...]
    bootstrap_sha256: str
    codec: Codec


def write_assembly(
    assembly: Assembly, output: Path, reporter: Reporter, confirm: Callable[[], object] = lambda: None
) -> tuple[str, int]:
    """Write the pack, and return its id and its size.

    Args:
        assembly: What it is put together from.
        output: The file to write, whole or not at all.
        reporter: Hears of progress.
        confirm: Called while the bytes are copied; what it raises is raised here, and nothing is written.

    Raises:
        PackError: A frame is cut short.
        StorageError: The pack cannot be written.
    """
    with whole_file(output) as stream:
        return append_assembly(assembly, stream, reporter, confirm)


def append_assembly(
    assembly: Assembly, stream: BinaryIO, reporter: Reporter, confirm: Callable[[], object] = lambda: None
) -> tuple[str, int]:
    """Write the pack where a file stands, and return its id and its size.

    Args:
        assembly: What it is put together from.
        stream: The file; nothing lies behind where it stands.
        reporter: Hears of progress.
        confirm: Called while the bytes are copied; what it raises is raised here.

    Raises:
        PackError: A frame is cut short.
        OSError: The file cannot be written.
    """
    pack_id, start = _start_of(assembly.manifest, assembly.bootstrap_sha256, assembly.codec)
    end = store_frame(END_OF_ARCHIVE, assembly.codec)
    size = len(start) + sum(layer.size for layer in assembly.manifest.layers) + len(end)
    before = stream.tell()
    stream.write(start)
    stream.flush()
    _append_during(confirm, assembly, stream.fileno(), before + size, reporter)
    stream.seek(before + size - len(end))
    stream.write(end)
    return pack_id, size


def _start_of(manifest: Manifest, bootstrap_sha256: str, codec: Codec) -> tuple[str, bytes]:
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
            bootstrap=(after, bootstrap_size, bootstrap_sha256),
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


def _reserve(descriptor: int, size: int) -> None:
    """Take the space at once: the kernel copies faster, and a full disk is told before anything is copied."""
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise


def _append_during(
    confirm: Callable[[], object], assembly: Assembly, target: int, size: int, reporter: Reporter
) -> None:
    """Append the layers on a thread, while `confirm` is called on this one, where signals arrive."""
    failures: list[Exception] = []
    stop = threading.Event()

    def append() -> None:
        try:
            _reserve(target, size)
            _append(assembly, target, reporter, stop)
        except Exception as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    thread = threading.Thread(target=append, name="copying")
    thread.start()
    try:
        confirm()
        thread.join()
    except BaseException:
        stop.set()
        thread.join()  # it has the file that is about to be closed
        raise
    if failures:
        raise failures[0]


def _append(assembly: Assembly, target: int, reporter: Reporter, stop: threading.Event) -> None:
    """Append the layers to a file, until told to stop; the kernel moves the bytes."""
    layers = assembly.manifest.layers
    stage = Stage(name="writing", total=sum(layer.size for layer in layers), unit="bytes")
    reporter.begin(stage)
    try:
        for layer, frame in zip(layers, assembly.frames, strict=True):
            source = os.open(frame, os.O_RDONLY | os.O_CLOEXEC)
            try:
                _copy(source, target, layer, frame, stop)
            finally:
                os.close(source)
            reporter.advance(stage, layer.size, layer.name)
    finally:
        reporter.end(stage)


def _copy(source: int, target: int, layer: Layer, frame: Path, stop: threading.Event) -> None:
    copied = copy_content(source, target, layer.size, stop.is_set)
    if copied < layer.size and not stop.is_set():
        raise PackError(
            f"the layer of `{layer.name}` in the cache is cut short",
            code="layer-damaged",
            facts={"file": str(frame)},
            hint="remove it with `pannier cache clean` and pack again",
        )

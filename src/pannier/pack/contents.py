"""What goes into a layer, and how it becomes a frame."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pannier.formats.frames import FrameWriter
from pannier.formats.segments import Member, format_header, padding
from pannier.model.errors import PackError
from pannier.pack.bytecode import Bytecode, bytecode_name


@dataclass(slots=True)
class Item:
    """One member to be, with where its bytes come from.

    Attributes:
        name: Place in the prefix.
        size: Of its content, in bytes.
        pieces: Gives the content; `None` for a link.
        executable: Mode 0755 rather than 0644.
        link_target: Where a link points; empty for a file.
        crc32: What the content's CRC-32 must be; `None` where nobody said.
    """

    name: str
    size: int = 0
    pieces: Callable[[], Iterable[bytes]] | None = None
    executable: bool = False
    link_target: str = ""
    crc32: int | None = None


class Trace(NamedTuple):
    """A member as written, to tell whether another layer's of the same name is the same file.

    Attributes:
        name: Place in the prefix.
        content: Size, CRC-32 and mode of a file, or a link's target, as text.
    """

    name: str
    content: str


def item_of_bytes(name: str, data: bytes, *, executable: bool = False) -> Item:
    """Make an item whose content is at hand."""
    return Item(name, len(data), lambda: (data,), executable)


def bytecode_items(names: Iterable[str], bytecode: Bytecode) -> list[Item]:
    """Return the members with the byte code of those `names` that have some."""
    return [
        Item(
            bytecode_name(name, bytecode.cache_tag),
            size,
            lambda name=name: (bytecode.read(name),),  # type: ignore[misc]
        )
        for name in names
        if (size := bytecode.size(name))
    ]


def write_items(items: Iterable[Item], frame: FrameWriter) -> list[Trace]:
    """Write the members of one layer, in the order given, and close the frame.

    Raises:
        PackError: A name cannot stand in a pack, stands twice, or a content is not what it was said to be.
    """
    from isal import isal_zlib

    crc32 = isal_zlib.crc32
    write = frame.write
    traces: list[Trace] = []
    names: set[str] = set()
    for item in items:
        if item.name in names:
            raise PackError(f"`{item.name}` would stand in one layer twice", code="member-twice")
        names.add(item.name)
        write(format_header(Member(item.name, item.size, item.executable, item.link_target)))
        if item.pieces is None:
            traces.append(Trace(item.name, f"-> {item.link_target}"))
            continue
        size = checksum = 0
        for piece in item.pieces():
            size += len(piece)
            checksum = crc32(piece, checksum)
            write(piece)
        if size != item.size or item.crc32 not in {None, checksum}:
            raise _changed(item, size)
        write(padding(size))
        traces.append(Trace(item.name, f"{size} {checksum:08x} {'x' if item.executable else '-'}"))
    frame.close()
    return traces


def _changed(item: Item, size: int) -> PackError:
    found = f"{size} bytes" if size != item.size else f"{size} bytes of other content"
    return PackError(
        f"the content of `{item.name}` is not what it was said to be",
        code="content-changed",
        facts={"wanted": f"{item.size} bytes", "found": found},
        hint="pack again; if it stays, `pannier cache clean` removes a damaged wheel",
    )

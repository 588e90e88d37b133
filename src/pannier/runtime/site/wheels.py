"""A wheel as it lies in a bundle: what it holds, where each file goes, which scripts it asks for."""

import base64
import configparser
import csv
import io
import mmap
import re
import struct
import zipfile
import zlib
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from pannier.runtime.errors import ArchiveError, printable

from .bookkeeping import broken
from .manifest import Wheel

_CHUNK = 1 << 20
# Zip's methods: stored and deflated, the only ones that wheels have.
_STORED, _DEFLATED = 0, 8
_SCHEMES = {"purelib": "lib", "platlib": "lib", "scripts": "scripts", "headers": "headers", "data": "data"}
_RECORD_NAMES = ("RECORD", "RECORD.jws", "RECORD.p7s")


class Item(NamedTuple):
    """A file of a wheel.

    Attributes:
        name: In the wheel.
        place: Where it goes: `lib/...`, `scripts/...`, `headers/...` or `data/...`.
        offset: Of its local header in the wheel.
        stored: Its size in the wheel.
        size: In bytes.
        method: Zip's number of the compression.
        crc: CRC-32 of its content.
        executable: It has a mode that says so.
        digest: `sha256=...` by the RECORD; empty where that has none.
    """

    name: str
    place: str
    offset: int
    stored: int
    size: int
    method: int
    crc: int
    executable: bool
    digest: str


class WheelContent(NamedTuple):
    """What a wheel holds.

    Attributes:
        items: Its files, but for RECORD and its signatures.
        dist_info: The name of its metadata directory.
        scripts: The scripts it asks for: name to `module:attribute`.
    """

    items: Tuple[Item, ...]
    dist_info: str
    scripts: Dict[str, str]

    @property
    def size(self) -> int:
        """Of all files, in bytes."""
        return sum(item.size for item in self.items)


class _Range(io.RawIOBase):
    """A part of the bundle as a file, so that no wheel is copied to be read."""

    def __init__(self, data: "mmap.mmap", start: int, size: int) -> None:
        super().__init__()
        self._data, self._start, self._size, self._position = data, start, size, 0

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where reading goes on."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Read the next bytes."""
        end = self._size if size is None or size < 0 else min(self._size, self._position + size)
        piece = self._data[self._start + self._position : self._start + max(end, self._position)]
        self._position += len(piece)
        return piece


def read_wheel(data: "mmap.mmap", start: int, wheel: Wheel) -> WheelContent:
    """Read a wheel's directory and metadata.

    Args:
        data: The bundle.
        start: Where the wheel begins in it.
        wheel: By the manifest.

    Raises:
        ArchiveError: It is no wheel, or one with a file that would land elsewhere.
    """
    try:
        with zipfile.ZipFile(_Range(data, start, wheel.size)) as archive:
            return _read_content(archive, wheel)
    except (zipfile.BadZipFile, KeyError, ValueError, configparser.Error, csv.Error, zlib.error) as error:
        raise broken("a wheel cannot be read", wheel=wheel.filename, because=error) from None


def _read_content(archive: zipfile.ZipFile, wheel: Wheel) -> WheelContent:
    infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
    names = [info.filename for info in infos]
    if len(set(names)) != len(names):
        raise _hostile(wheel, max(names, key=names.count), "there are two of that name")
    dist_info = _find_dist_info(names, wheel)
    record = _parse_record(archive.read(dist_info + "/RECORD").decode("utf-8"))
    items = []
    for info in infos:
        directory, _, name = info.filename.rpartition("/")
        if directory == dist_info and name in _RECORD_NAMES + ("INSTALLER", "REQUESTED", "direct_url.json"):
            continue
        place = _check_place(_place(info.filename, dist_info, wheel), info.filename, wheel)
        if info.compress_type not in (_STORED, _DEFLATED) or info.flag_bits & 1:
            raise _hostile(wheel, info.filename, "it is compressed as no wheel is")
        items.append(
            Item(
                info.filename,
                place,
                info.header_offset,
                info.compress_size,
                info.file_size,
                info.compress_type,
                info.CRC,
                bool(info.external_attr >> 16 & 0o111),
                record.get(info.filename, ""),
            )
        )
    entry_points = dist_info + "/entry_points.txt"
    text = archive.read(entry_points).decode("utf-8") if entry_points in names else ""
    return WheelContent(tuple(items), dist_info, parse_entry_points(text))


def _find_dist_info(names: List[str], wheel: Wheel) -> str:
    found = {
        name.split("/")[0]
        for name in names
        if name.count("/") == 1 and name.endswith((".dist-info/WHEEL", ".dist-info/RECORD"))
    }
    if len(found) != 1:
        raise broken("a wheel has not one .dist-info", wheel=wheel.filename, found=", ".join(sorted(found)))
    return found.pop()


def _place(name: str, dist_info: str, wheel: Wheel) -> str:
    """Where a file goes, by the wheel's scheme (binary distribution format, `.data`)."""
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in name or not name.isprintable():
        raise _hostile(wheel, name, "its name leads elsewhere")
    if parts[0] == dist_info[: -len(".dist-info")] + ".data" and len(parts) > 2:
        scheme, rest = parts[1], "/".join(parts[2:])
        schemes = {
            "purelib": "lib",
            "platlib": "lib",
            "scripts": "scripts",
            "headers": "headers",
            "data": "data",
        }
        if scheme not in schemes or (scheme == "scripts" and "/" in rest):
            raise _hostile(wheel, name, "wheels have no such scheme")
        return schemes[scheme] + "/" + rest
    return "lib/" + name


def _check_place(place: str, name: str, wheel: Wheel) -> str:
    """Keep a wheel from taking the place of its environment's interpreter."""
    scheme, _, rest = place.partition("/")
    target = {"scripts": "bin/" + rest, "data": rest}.get(scheme, "")
    if target == "pyvenv.cfg" or re.match(r"bin/python[0-9.]*\Z", target):
        raise _hostile(wheel, name, "it would replace the environment's interpreter")
    return place


def _hostile(wheel: Wheel, name: str, because: str) -> ArchiveError:
    return ArchiveError(
        "a wheel holds a file that does not belong in one",
        "hostile-bundle",
        {"wheel": wheel.filename, "file": printable(name), "because": because},
        "do not use this bundle; look at where that wheel came from",
    )


def _parse_record(text: str) -> Dict[str, str]:
    return {row[0]: row[1] for row in csv.reader(io.StringIO(text)) if len(row) >= 2}


def parse_entry_points(text: str) -> Dict[str, str]:
    """Read the scripts of an `entry_points.txt`, console and graphical ones alike."""
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    scripts = {}
    for section in ("console_scripts", "gui_scripts"):
        if parser.has_section(section):
            for name, value in parser.items(section):
                target = value.split("[")[0].replace(" ", "")
                module, _, attribute = target.partition(":")
                is_fit = all(part.isidentifier() for part in (module + "." + attribute).split("."))
                is_taken = re.match(r"(\.|python[0-9.]*\Z)", name)
                if not is_fit or "/" in name or not name.isprintable() or is_taken:
                    raise ValueError(f"entry point {name!r}")
                scripts[name] = target
    return scripts


def inflate(data: "mmap.mmap", start: int, item: Item, wheel: Wheel) -> Iterator[bytes]:
    """The content of a file of a wheel, in pieces.

    Raises:
        ArchiveError: It cannot be had, or is not as long as the wheel says.
    """
    header = data[start + item.offset : start + item.offset + 30]
    if len(header) < 30 or header[:4] != b"PK\3\4":
        raise broken("a wheel cannot be read", wheel=wheel.filename, file=item.name)
    begin = start + item.offset + 30 + sum(struct.unpack("<2H", header[26:30]))
    end = begin + item.stored
    if end > start + wheel.size:
        raise broken("a wheel cannot be read", wheel=wheel.filename, file=item.name)
    if item.method == _STORED:
        for position in range(begin, end, _CHUNK):
            yield data[position : min(position + _CHUNK, end)]
        return
    engine = zlib.decompressobj(-15)
    try:
        for position in range(begin, end, _CHUNK):
            # No more than the wheel says, and one byte to notice that there is more.
            piece = engine.decompress(data[position : min(position + _CHUNK, end)], item.size + 1)
            if piece:
                yield piece
        rest = engine.flush()
    except zlib.error as error:
        raise broken("a wheel cannot be read", wheel=wheel.filename, file=item.name, because=error) from None
    if rest:
        yield rest


def algorithm_of(digest: str) -> Optional[Tuple[str, str]]:
    """The algorithm and the hex digits of a RECORD's digest; `None` when it has none that is safe."""
    name, _, text = digest.partition("=")
    if name not in ("sha256", "sha384", "sha512"):
        return None
    return name, base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()

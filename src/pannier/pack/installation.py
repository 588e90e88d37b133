"""Where the files of a wheel go in a prefix, and those that installing it adds (PEP 427)."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from zipfile import ZipInfo

from pannier.formats.wheels import (
    RecordEntry,
    format_console_script,
    format_record,
    format_wheel_script,
    normalize_project,
    parse_entry_points,
    parse_record,
    parse_root_is_purelib,
    parse_wheel_filename,
)
from pannier.model.errors import PackError
from pannier.pack.bytecode import Bytecode, Source
from pannier.pack.contents import Item, bytecode_items, item_of_bytes
from pannier.pack.wheel_archive import WheelArchive

INSTALLER = b"pannier\n"
_DIST_INFO = ".dist-info"
_DATA = ".data"
_EXECUTABLE = 0o111 << 16
# Left out: made anew, or of use only to an installer that reads the wheel again.
_NOT_INSTALLED = ("RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json")


@dataclass(frozen=True, slots=True)
class Placed:
    """A member of a wheel and its place in the prefix."""

    name: str
    info: ZipInfo
    is_script: bool


class Installation:
    """A wheel laid out for one Python.

    Args:
        archive: The wheel; stays open as long as the items are read.
        python_minor: `major.minor` of the Python.

    Attributes:
        project: Normalized name of its project.
        version: Its version.

    Raises:
        PackError: It is no wheel that can be installed.
    """

    def __init__(self, archive: WheelArchive, python_minor: str) -> None:
        name = parse_wheel_filename(archive.filename)
        self.project = name.project
        self.version = name.version
        self._archive = archive
        self._python_minor = python_minor
        self._site_packages = f"lib/python{python_minor}/site-packages"
        self._dist_info = self._find_dist_info()
        parse_root_is_purelib(self._text("WHEEL", is_needed=True))
        self._placed = self._place_all()

    def sources(self) -> list[Source]:
        """Return the modules to compile, with their places in the prefix."""
        return [
            Source(placed.name, placed.info.file_size, lambda info=placed.info: self._archive.read(info))  # type: ignore[misc]
            for placed in self._placed.values()
            if placed.name.endswith(".py") and placed.name.startswith(self._site_packages)
        ]

    def items(self, bytecode: Bytecode | None, excluded: frozenset[str]) -> list[Item]:
        """Return what the wheel's layer holds, sorted by name.

        Args:
            bytecode: What its modules were compiled to; `None` to leave that to the target.
            excluded: Places in the prefix to leave to other layers; byte code of such a module is left out
                too.
        """
        items = {placed.name: self._item(placed) for placed in self._placed.values()}
        for script in parse_entry_points(self._text("entry_points.txt")):
            text = format_console_script(script.module, script.attribute)
            items[f"bin/{script.name}"] = item_of_bytes(f"bin/{script.name}", text, executable=True)
        for name in excluded:
            items.pop(name, None)
        if bytecode is not None:
            items |= {item.name: item for item in bytecode_items(list(items), bytecode)}
        dist_info = f"{self._site_packages}/{self._dist_info}"
        items[f"{dist_info}/INSTALLER"] = item_of_bytes(f"{dist_info}/INSTALLER", INSTALLER)
        items[f"{dist_info}/RECORD"] = item_of_bytes(f"{dist_info}/RECORD", self._record(items))
        for name in items:
            self._check_place(name)
        return [items[name] for name in sorted(items)]

    def _find_dist_info(self) -> str:
        found = {name.split("/", 1)[0] for name in self._archive.members if f"{_DIST_INFO}/" in name}
        directories = sorted(one for one in found if one.endswith(_DIST_INFO))
        if len(directories) != 1:
            raise self._unfit("it must have one directory that ends in `.dist-info`", directories)
        project = directories[0].split("-", 1)[0]
        if normalize_project(project) != self.project:
            raise self._unfit(f"its metadata are those of `{project}`", directories)
        return directories[0]

    def _text(self, name: str, *, is_needed: bool = False) -> str:
        info = self._archive.members.get(f"{self._dist_info}/{name}")
        if info is None:
            if is_needed:
                raise self._unfit(f"it has no `{self._dist_info}/{name}`", ())
            return ""
        try:
            return self._archive.read(info).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self._unfit(f"`{info.filename}` is not UTF-8", ()) from error

    def _place_all(self) -> dict[str, Placed]:
        placed: dict[str, Placed] = {}
        for name, info in self._archive.members.items():
            place, is_script = self._place(name)
            if not place:
                continue
            if place in placed:
                raise self._unfit("two of its files go to one place", [placed[place].info.filename, name])
            placed[place] = Placed(place, info, is_script)
        return placed

    def _place(self, name: str) -> tuple[str, bool]:
        """Say where a member goes, and whether as a script; nowhere for what is not installed."""
        if "/__pycache__/" in name or name.startswith("__pycache__/"):
            return "", False
        top, _, rest = name.partition("/")
        if top == self._dist_info and rest in _NOT_INSTALLED:
            return "", False
        if not top.endswith(_DATA) or not rest:
            return f"{self._site_packages}/{name}", False
        scheme, _, path = rest.partition("/")
        roots = {
            "purelib": f"{self._site_packages}/",
            "platlib": f"{self._site_packages}/",
            "headers": f"include/site/python{self._python_minor}/{self.project}/",
            "scripts": "bin/",
            "data": "",
        }
        if scheme not in roots or not path:
            raise self._unfit(f"`{name}` is of no scheme known", sorted(roots))
        return roots[scheme] + path, scheme == "scripts"

    def _item(self, placed: Placed) -> Item:
        info = placed.info
        if placed.is_script:
            data = format_wheel_script(self._archive.read(info))
            return item_of_bytes(placed.name, data, executable=True)
        executable = bool(info.external_attr & _EXECUTABLE)
        return Item(
            placed.name, info.file_size, lambda: self._archive.pieces(info), executable, crc32=info.CRC
        )

    def _record(self, items: dict[str, Item]) -> bytes:
        """Write RECORD anew: what stays keeps its hash, what is made here gets one, `.pyc` get none."""
        said = {entry.path: entry for entry in parse_record(self._text("RECORD"))}
        own = f"{self._site_packages}/{self._dist_info}/RECORD"
        entries = [RecordEntry(self._recorded_path(own))]
        for name, item in items.items():
            path = self._recorded_path(name)
            placed = self._placed.get(name)
            if placed is not None and not placed.is_script:
                line = said.get(placed.info.filename, RecordEntry(path))
                entries.append(RecordEntry(path, line.digest, str(item.size)))
            elif name.endswith(".pyc"):
                entries.append(RecordEntry(path))
            elif item.pieces is not None:
                entries.append(RecordEntry(path, _digest(item.pieces()), str(item.size)))
        return format_record(entries).encode()

    def _recorded_path(self, name: str) -> str:
        inside = name.removeprefix(f"{self._site_packages}/")
        return inside if inside != name else f"../../../{name}"

    def _check_place(self, name: str) -> None:
        is_ours = name in {"bin/python", "bin/python3", f"bin/python{self._python_minor}", "bin/run_in_env"}
        if is_ours or name == "pyvenv.cfg" or name.startswith(".pannier/"):
            raise self._unfit(f"it would install `{name}`, which is the pack's own", ())

    def _unfit(self, because: str, found: Iterable[str]) -> PackError:
        facts: dict[str, str | list[str]] = {"because": because}
        if listed := list(found):
            facts["found"] = listed
        return PackError(
            f"the wheel `{self._archive.filename}` cannot be installed", code="wheel-invalid", facts=facts
        )


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return "sha256=" + base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()

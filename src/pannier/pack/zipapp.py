"""A pack as a `.pyz`: a shell's header, and a ZIP archive of stored members that any `python3` starts.

One member is the pack itself, as it would be a `.tar.gz`; the others are its entry point and what unpacks it.
Few members, because Python reads the archive's whole directory at each start. What checks and unpacks it is
`pannier.runtime.zipapp`; docs/reference/pack-format.md, "As a .pyz", has the bytes.
"""

import hashlib
import mmap
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from pannier.formats.manifests import format_manifest
from pannier.formats.wheels import RUN_MODULE, quote
from pannier.model.errors import PackError
from pannier.model.events import Reporter
from pannier.model.manifest import Manifest
from pannier.pack.assembly import Assembly, append_assembly
from pannier.runtime.site.bookkeeping import Member, format_end, format_local_header
from pannier.runtime.zipapp.contents import PACK_NAME, SEAL_NAME, format_seal
from pannier.store.writing import whole_file

# Python's own reader of ZIP archives knows no larger ones before 3.13.
_MOST = 0xFFFFFFFF
_PIECE = 1 << 20
_RUNTIME_MODULES = (
    "__init__.py",
    "archive.py",
    "bytecode.py",
    "errors.py",
    "frames.py",
    "head.py",
    "host.py",
    "segment.py",
    "unpack.py",
    "workers.py",
    "zstd.py",
    "site/__init__.py",
    "site/bookkeeping.py",
    "zipapp/__init__.py",
    "zipapp/contents.py",
    "zipapp/first_start.py",
    "zipapp/pruning.py",
    "zipapp/pythons.py",
)
_FACTS_LINE = "FACTS = {}  # type: ignore[var-annotated]\n"


def write_zipapp(
    assembly: Assembly, output: Path, reporter: Reporter, confirm: Callable[[], object] = lambda: None
) -> tuple[str, int]:
    """Write a pack as a `.pyz`, and return its id and the file's size.

    Args:
        assembly: What it is put together from, without an interpreter.
        output: The file to write, whole or not at all.
        reporter: Hears of progress.
        confirm: Called while the bytes are copied; what it raises is raised here, and nothing is written.

    Raises:
        PackError: It would be larger than Python can start, or a frame is cut short.
        StorageError: The file cannot be written.
    """
    contents = dict(_small_members(assembly.manifest))
    header = _format_header(assembly.manifest)
    members = [Member(name, len(data), zlib.crc32(data)) for name, data in contents.items()]
    with whole_file(output, mode=0o777) as stream:
        stream.write(header)
        for member in members:
            stream.write(format_local_header(member) + contents[member.name])
        head_start = stream.tell()
        # Its size and checksum are known once it is written.
        stream.write(bytes(len(format_local_header(Member(PACK_NAME, 0, 0)))))
        pack_start = stream.tell()
        pack_id, size = append_assembly(assembly, stream, reporter, confirm)
        _check_size(pack_start + size, output)
        pack = Member(PACK_NAME, size, _checksum(stream, pack_start))
        stream.seek(head_start)
        stream.write(format_local_header(pack))
        stream.seek(0)
        text = format_seal(stream.read(pack_start))
        seal = Member(SEAL_NAME, len(text), zlib.crc32(text))
        stream.seek(pack_start + size)
        stream.write(format_local_header(seal) + text + format_end(len(header), [*members, pack, seal]))
        return pack_id, stream.tell()


def _small_members(manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    import pannier.runtime

    runtime = Path(next(iter(pannier.runtime.__path__)))
    main = (runtime / "zipapp" / "main.py").read_text("utf-8")
    if _FACTS_LINE not in main:
        raise AssertionError(_FACTS_LINE)
    yield "__main__.py", main.replace(_FACTS_LINE, f"FACTS = {_facts(manifest)!r}\n").encode()
    yield "pannier/__init__.py", b""
    for name in _RUNTIME_MODULES:
        yield f"pannier/runtime/{name}", (runtime / name).read_bytes()


def _facts(manifest: Manifest) -> dict[str, object]:
    """What the entry point must know; `runtime/zipapp/main.py` reads it."""
    platform = manifest.target.platform
    return {
        "id": _id(manifest),
        "name": manifest.name,
        "implementation": manifest.interpreter.implementation,
        "minor": manifest.target.python_minor,
        "platform": (platform.system, platform.architecture, platform.libc_family, platform.libc_version),
        "start": _start(manifest),
        "place": _place(manifest),
        "environment": manifest.environment,
        "run_module": RUN_MODULE,
    }


def _id(manifest: Manifest) -> str:
    return hashlib.sha256(format_manifest(manifest)).hexdigest()


def _start(manifest: Manifest) -> tuple[str, str]:
    """What a start runs: a script or a command in the prefix, a module, or the interpreter itself."""
    program = manifest.program
    if program is None or program.source in {"bin/python", "bin/python3"}:
        return ("python", "")
    if program.source.startswith("program/"):
        return ("script", program.source)
    if program.source.startswith("bin/"):
        return ("command", program.source)
    return ("module", program.source)


def _format_header(manifest: Manifest) -> bytes:
    import pannier.runtime

    path = Path(next(iter(pannier.runtime.__path__)), "zipapp", "header.sh")
    values = {
        "@id@": _id(manifest),
        "@minor@": manifest.target.python_minor,
        "@implementation@": manifest.interpreter.implementation,
        "@place@": _place(manifest),
        "@command@": _command(*_start(manifest)),
        "@variables@": "".join(
            f'\n    export {name}="$_prefix"/{quote(place)}' for name, place in manifest.environment
        ),
    }
    text = path.read_text("utf-8")
    for name, value in values.items():
        text = text.replace(name, value)
    return text.encode()


def _place(manifest: Manifest) -> str:
    """Which machines it runs on, in words."""
    platform = manifest.target.platform
    if platform.libc_family == "any":
        return "any machine"
    libc = f"{platform.libc_family} {platform.libc_version} or newer"
    return f"{platform.system} {platform.architecture} with {libc}"


def _command(kind: str, what: str) -> str:
    python = '"$_prefix/bin/python3"'
    if kind == "script":
        return f'{python} "$_prefix"/{quote(what)}'
    if kind == "command":
        return f'"$_prefix"/{quote(what)}'
    if kind == "module":
        return f"""{python} -c {quote(RUN_MODULE)} "$_prefix/program" {quote(what)}"""
    return python


def _checksum(stream: BinaryIO, start: int) -> int:
    from isal import isal_zlib

    stream.flush()
    checksum = 0
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for offset in range(start, len(content), _PIECE):
            checksum = isal_zlib.crc32(content[offset : offset + _PIECE], checksum)
    return int(checksum)


def _check_size(size: int, output: Path) -> None:
    # What stands behind the pack is less than this.
    if size + _PIECE >= _MOST:
        raise PackError(
            f"`{output}` would be larger than Python can start as a `.pyz`",
            code="zipapp-too-large",
            facts={"size": f"{size} bytes", "most": f"{_MOST - _PIECE} bytes"},
            hint="pack to `.tar.zst`",
        )

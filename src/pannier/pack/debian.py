"""A Debian package (deb(5)): an `ar` archive of a version, the control files, and the files to install."""

import io
import lzma
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

from pannier.formats.ar import AR_MAGIC, ar_padding, format_ar_header
from pannier.formats.debian_control import (
    debian_architecture,
    format_changelog,
    format_control,
    format_copyright,
    format_description,
)
from pannier.formats.debian_libraries import debian_package_of
from pannier.formats.maintainer_scripts import debian_runtime_hook, debian_scripts
from pannier.formats.package_versions import debian_version
from pannier.formats.python_reach import Reach
from pannier.model.errors import UsageError
from pannier.model.events import Notice, Reporter, Stage
from pannier.pack.contents import Item, item_of_bytes
from pannier.pack.image_archive import ArchivedImage, Writable, write_archive
from pannier.pack.image_commands import compressed
from pannier.pack.system_package import SystemContents, WrittenPackage
from pannier.store.writing import whole_file

_VERSION = b"2.0\n"
# Every dpkg since 2011 reads xz. Of this much content, the higher level costs minutes and saves a twentieth.
_PRESET = 6
_PRESET_OF_MUCH = 3
_MUCH = 64 << 20
_PIECE = 1 << 20
_ALL = "all"
# What an interpreter in a prefix of its own cannot be without: libraries beside it, and scripts of its
# standard library whose first lines name the Python that they were made with.
_BUNDLE_OVERRIDES = (
    "embedded-library",
    "interpreter-in-usr-local",
    "library-not-linked-against-libc",
    "wrong-path-for-interpreter",
    "python3-script-but-no-python3-dep",
    "missing-dep-for-interpreter",
)
_WHEEL_OVERRIDES = ("embedded-library", "custom-library-search-path", "unstripped-binary-or-object")


class _Member(NamedTuple):
    name: str
    data: bytes


def write_debian_package(contents: SystemContents, output: Path, reporter: Reporter) -> WrittenPackage:
    """Write a `.deb`; the same contents give the same bytes.

    Args:
        contents: What to pack.
        output: The file to write, whole or not at all.
        reporter: Hears of progress and of what is not known.

    Raises:
        UsageError: Debian has no name for the target's architecture.
        PackError: Something cannot be packed.
        StorageError: It cannot be written.
    """
    architecture = _architecture(contents)
    depends = _depends(contents, reporter)
    version = debian_version(contents.facts.version, contents.facts.revision)
    items = [*contents.items, *_own_items(contents, version)]
    date = contents.facts.date
    size = sum(item.size for item in items)
    stage = Stage(name="writing", total=size, unit="bytes")
    reporter.begin(stage)
    try:
        with whole_file(output) as stream:
            stream.write(AR_MAGIC + _ar_member(_Member("debian-binary", _VERSION), date))
            with _temporary(output) as data:
                compressor = _Compressor(data, _PRESET if size < _MUCH else _PRESET_OF_MUCH)
                archived = write_archive(
                    items, compressor, date, lambda done: reporter.advance(stage, done, "")
                )
                compressor.finish()
                control = _control(contents, version, architecture, depends, archived)
                stream.write(_ar_member(_Member("control.tar.xz", control), date))
                _append(data, stream, date)
            written = stream.tell()
    finally:
        reporter.end(stage)
    return WrittenPackage(contents.facts.name, version, architecture, tuple(depends), written)


def _architecture(contents: SystemContents) -> str:
    if not contents.is_native:
        return _ALL
    machine = contents.platform.architecture
    if name := debian_architecture(machine):
        return name
    raise UsageError(
        f"Debian has no architecture that is known to be `{machine}`",
        code="package-architecture",
        hint="pack to `.tar.gz`",
    )


def _depends(contents: SystemContents, reporter: Reporter) -> list[str]:
    needs = contents.binary
    depends = _python_depends(contents.reach) if contents.reach else []
    if needs.is_compiled:
        depends.append(f"libc6 (>= {needs.glibc})" if needs.glibc else "libc6")
    unknown = [name for name in needs.libraries if not debian_package_of(name)]
    depends += sorted({debian_package_of(name) for name in needs.libraries} - {""})
    if unknown:
        reporter.warn(
            Notice(
                message="nobody knows which Debian packages have some of the libraries that are needed",
                code="package-library-unknown",
                facts={"libraries": unknown},
                hint="name the packages with `--depends`",
            )
        )
    return list(dict.fromkeys([*depends, *contents.facts.depends]))


def _python_depends(reach: Reach) -> list[str]:
    bounds = [f"python3 (>= 3.{reach.first})"]
    return bounds if reach.end is None else [*bounds, f"python3 (<< 3.{reach.end})"]


def _own_items(contents: SystemContents, version: str) -> list[Item]:
    """What only Debian has: changelog, copyright, lintian's overrides, the hook of its Python."""
    facts = contents.facts
    changelog = format_changelog(
        facts.name, version, facts.maintainer, facts.date, [f"Package of version {facts.version}."]
    )
    documents = f"usr/share/doc/{facts.name}"
    copyright_file = format_copyright(facts.name, facts.homepage, contents.copyright)
    items = [
        item_of_bytes(f"{documents}/changelog.Debian.gz", compressed(changelog)),
        item_of_bytes(f"{documents}/copyright", copyright_file),
    ]
    overrides = _BUNDLE_OVERRIDES if contents.reach is None else ()
    if contents.is_native:
        overrides = tuple(dict.fromkeys([*overrides, *_WHEEL_OVERRIDES]))
    if overrides:
        lines = "".join(f"{facts.name}: {tag}\n" for tag in overrides)
        items.append(item_of_bytes(f"usr/share/lintian/overrides/{facts.name}", lines.encode()))
    if contents.reach and contents.reach.end != contents.reach.first + 1:
        hook = debian_runtime_hook(f"/{contents.prefix}")
        items.append(
            item_of_bytes(f"usr/share/python3/runtime.d/{facts.name}.rtupdate", hook, executable=True)
        )
    return items


def _control(
    contents: SystemContents, version: str, architecture: str, depends: Sequence[str], archived: ArchivedImage
) -> bytes:
    facts = contents.facts
    fields = {
        "Package": facts.name,
        "Version": version,
        "Architecture": architecture,
        "Maintainer": facts.maintainer,
        "Installed-Size": str(archived.size // 1024),
        "Depends": ", ".join(depends),
        "Section": "utils",
        "Priority": "optional",
        "Homepage": facts.homepage,
        "Description": format_description(facts.summary, [*facts.description, contents.inventory]),
    }
    items = [
        item_of_bytes("control", format_control(fields)),
        item_of_bytes("md5sums", "".join(f"{md5}  {name}\n" for md5, name in archived.md5).encode()),
    ]
    items += [
        item_of_bytes(name, text, executable=True)
        for name, text in debian_scripts(f"/{contents.prefix}").items()
    ]
    stream = io.BytesIO()
    compressor = _Compressor(stream, _PRESET)
    write_archive(items, compressor, facts.date)
    compressor.finish()
    return stream.getvalue()


class _Compressor:
    """Writes what it is given in xz's form.

    Args:
        stream: To write to.
        preset: xz's level.
    """

    def __init__(self, stream: Writable, preset: int) -> None:
        self._stream = stream
        self._compressor = lzma.LZMACompressor(preset=preset)

    def write(self, data: bytes, /) -> None:
        """Take more content."""
        self._stream.write(self._compressor.compress(data))

    def finish(self) -> None:
        """Write what is left."""
        self._stream.write(self._compressor.flush())


def _ar_member(member: _Member, date: int) -> bytes:
    size = len(member.data)
    return format_ar_header(member.name, size, date) + member.data + ar_padding(size)


def _temporary(output: Path) -> IO[bytes]:
    import tempfile

    return tempfile.TemporaryFile(dir=output.absolute().parent)


def _append(data: IO[bytes], stream: IO[bytes], date: int) -> None:
    import shutil

    size = data.tell()
    data.seek(0)
    stream.write(format_ar_header("data.tar.xz", size, date))
    shutil.copyfileobj(data, stream, _PIECE)
    stream.write(ar_padding(size))

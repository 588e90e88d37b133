"""The whole index as static files, for any web server or object store to serve.

```
OUTPUT/simple/index.html, index.v1_html, index.v1_json          the list of all projects
OUTPUT/simple/PROJECT/...                                       a project's page, likewise
OUTPUT/packages/PATH, PATH.metadata, PATH.provenance, PATH.asc  the files and what goes with them
```
All links are relative, so it can be served below any path. A page that has not changed is not written again.
"""

import gzip
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from pannier.formats import simple_api
from pannier.model.errors import StorageError
from pannier.model.events import Reporter, Stage
from pannier.server.catalogue.catalogue import Catalogue, sorted_versions
from pannier.server.catalogue.records import FileRecord, ProjectRecord
from pannier.server.catalogue.scanning import SIDE_SUFFIXES
from pannier.server.pages import project_page
from pannier.store.writing import write_whole

Manner = Literal["link", "symlink", "copy"]
MARK = ".pannier-export"
_PARTS = ("simple", "packages")
_TO_PACKAGES = "../../packages/"


class Export(NamedTuple):
    """What exporting did.

    Attributes:
        projects: How many projects the index has.
        files: How many distributions.
        written: How many files were written or linked, since they were new or changed.
        removed: How many of an earlier export were removed, since they are gone.
    """

    projects: int
    files: int
    written: int
    removed: int


def export(
    catalogue: Catalogue,
    output: Path,
    reporter: Reporter,
    *,
    manner: Manner = "link",
    compress: bool = False,
) -> Export:
    """Write the index to a directory, and remove what an earlier export wrote there and is gone.

    Args:
        catalogue: The index.
        output: A directory that is not there, is empty, or holds an earlier export.
        reporter: Hears of progress.
        manner: How the distributions get there; a link across file systems becomes a copy.
        compress: Write each page also as `.gz`, which nginx's `gzip_static` sends.

    Raises:
        StorageError: There is something else in the directory, or it cannot be written.
    """
    _prepare(output)
    _read_everything(catalogue, reporter)
    writer = _Writer(output, manner, compress)
    names = catalogue.projects()
    stage = Stage("exporting", len(names))
    reporter.begin(stage)
    try:
        for name in names:
            record = catalogue.project(name)
            if record is not None:
                writer.write_project(catalogue, record)
            reporter.advance(stage, 1, name)
    finally:
        reporter.end(stage)
    # The list comes last: what it names is there.
    writer.write_pages("simple", simple_api.format_root_html(names), simple_api.format_root_json(names))
    return Export(len(names), writer.files, writer.written, writer.remove_others())


def _prepare(output: Path) -> None:
    entries = list(output.iterdir()) if output.is_dir() else []
    if entries and not (output / MARK).exists():
        raise StorageError(
            f"`{output}` holds something else than an exported index",
            code="directory-not-empty",
            facts={"found": sorted(entry.name for entry in entries)},
            hint="name a directory that is empty or not there yet",
        )
    write_whole(
        output / MARK, b"An index exported by `pannier serve export`; the next export removes what is gone.\n"
    )


def _read_everything(catalogue: Catalogue, reporter: Reporter) -> None:
    query = "SELECT count(*) FROM file WHERE state = 0"
    stage = Stage("reading", catalogue.database.connection.execute(query).fetchone()[0], "files")
    reporter.begin(stage)
    try:
        while count := catalogue.reader.read_some():
            reporter.advance(stage, count)
    finally:
        reporter.end(stage)


class _Writer:
    """Writes what is new, and remembers what belongs there."""

    def __init__(self, output: Path, manner: Manner, compress: bool) -> None:
        self._output = output
        self._manner = manner
        self._compress = compress
        self._kept: set[str] = set()
        self.files = 0
        self.written = 0

    def write_project(self, catalogue: Catalogue, record: ProjectRecord) -> None:
        """A project's files, then its pages."""
        page = project_page(record, sorted_versions([file.version for file in record.files]), _TO_PACKAGES)
        if page.files:
            for file in record.files:
                self._write_file(catalogue, file)
        self.write_pages(
            f"simple/{record.name}",
            simple_api.format_project_html(page),
            simple_api.format_project_json(page),
        )

    def write_pages(self, place: str, html: bytes, document: bytes) -> None:
        """One page in all its forms."""
        for name, data in (("index.html", html), ("index.v1_html", html), ("index.v1_json", document)):
            self._write(f"{place}/{name}", data)
            if self._compress:
                self._write(f"{place}/{name}.gz", gzip.compress(data, 9, mtime=0))

    def _write(self, path: str, data: bytes) -> None:
        self._kept.add(path)
        location = self._output / path
        with suppress(OSError):
            if location.read_bytes() == data:
                return
        write_whole(location, data)
        self.written += 1

    def _write_file(self, catalogue: Catalogue, file: FileRecord) -> None:
        path = f"packages/{file.path}"
        self._kept.add(path)
        self.files += 1
        source = catalogue.location(file)
        self._place(source, self._output / path)
        data = catalogue.metadata(file)
        if data is not None:
            self._write(f"{path}.metadata", data)
        for suffix in SIDE_SUFFIXES[1:]:
            with suppress(FileNotFoundError):
                self._write(path + suffix, source.with_name(source.name + suffix).read_bytes())

    def _place(self, source: Path, target: Path) -> None:
        if _is_in_place(source, target, self._manner):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name[:80]}.{os.urandom(6).hex()}")
        try:
            _bring(source, temporary, self._manner)
            temporary.replace(target)
        except OSError as error:
            raise StorageError(
                f"`{target}` cannot be written",
                code="not-writable",
                facts={"reason": error.strerror or str(error)},
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        self.written += 1

    def remove_others(self) -> int:
        """Remove what an earlier export left; gives how many files it was."""
        removed = 0
        for part in _PARTS:
            for directory, _, names in os.walk(self._output / part, topdown=False):
                for name in names:
                    location = Path(directory, name)
                    if location.relative_to(self._output).as_posix() not in self._kept:
                        location.unlink()
                        removed += 1
                with suppress(OSError):
                    Path(directory).rmdir()
        return removed


def _is_in_place(source: Path, target: Path, manner: Manner) -> bool:
    try:
        if manner == "symlink":
            return target.readlink() == source.absolute()
        if target.is_symlink():
            return False
        here, there = target.stat(), source.stat()
    except OSError:
        return False
    if manner == "link" and here.st_ino == there.st_ino and here.st_dev == there.st_dev:
        return True
    # A copy, also one in place of a link across file systems, has size and time of what it was made of.
    is_other = manner == "copy" or here.st_dev != there.st_dev
    return is_other and (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns)


def _bring(source: Path, target: Path, manner: Manner) -> None:
    if manner == "symlink":
        target.symlink_to(source.absolute())
        return
    if manner == "link":
        with suppress(OSError):
            target.hardlink_to(source)
            return
    shutil.copy2(source, target)

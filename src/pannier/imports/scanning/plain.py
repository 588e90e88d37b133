"""Scans as plain values that `marshal` takes, to be sent to another process or kept for the next run."""

from typing import Any

from pannier.imports.scanning.file_scan import FileScan
from pannier.imports.scanning.scan import ImportSite, Scan
from pannier.imports.scanning.uses import Use
from pannier.imports.text.source import SourceText
from pannier.imports.text.syntax import Feature
from pannier.model.analysis import Location, Problem

Plain = tuple[Any, ...]


def to_plain(found: FileScan) -> Plain:
    """A scan as tuples, texts and numbers alone."""
    source = found.source
    return (
        None if source is None else (source.path, source.cells, source.installs),
        tuple(map(tuple, found.scan.sites)),
        tuple(map(tuple, found.scan.features)),
        found.scan.directories,
        found.python2_line,
        tuple((tuple(problem.location), problem.message, problem.code) for problem in found.problems),
        found.functions,
        tuple(sorted(found.found)),
        tuple(map(tuple, found.uses)),
    )


def from_plain(plain: Plain) -> FileScan:
    """The scan that `to_plain` was given."""
    source, sites, features, directories, python2_line, problems, functions, found, uses = plain
    return FileScan(
        None if source is None else SourceText(source[0], "", source[1], source[2]),
        Scan(tuple(map(ImportSite._make, sites)), tuple(map(Feature._make, features)), directories),
        python2_line,
        tuple(Problem(Location(*place), message, code) for place, message, code in problems),
        functions,
        frozenset(found),
        tuple(map(Use._make, uses)),
    )

"""What is said of a directory in which no Python was found: what lies there, and what was left out."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pannier.imports.following.tree import Tree, walk
from pannier.model.analysis import Analysis
from pannier.model.errors import AnalysisError, Fact
from pannier.model.events import Notice, Reporter

_MOST_SUFFIXES = 6


def tell_of_emptiness(
    sources: Sequence[str], analysis: Analysis, reporter: Reporter, *, is_error: bool
) -> None:
    """Warn of every directory that holds no Python source.

    Raises:
        AnalysisError: There is one, and `is_error`.
    """
    for source in sources:
        if os.path.isdir(source) and not _has_python(source, analysis):  # noqa: PTH112
            if is_error:
                raise _no_source(source)
            error = _no_source(source)
            reporter.warn(Notice(error.message, error.code, error.facts, error.hint))


def _no_source(directory: str) -> AnalysisError:
    """The error that a directory holds no Python source, with what it holds instead."""
    tree = walk(directory)
    hint = "name a directory that holds a program, or a spec"
    if tree.left_out:
        hint = "name what is meant itself: a file or directory that is named is read, whatever leaves it out"
    return AnalysisError(
        f"there is no Python source in `{directory}`",
        code="no-python-source",
        facts=_facts(tree),
        hint=hint,
    )


def _has_python(directory: str, analysis: Analysis) -> bool:
    """Whether something in it was read, or could not be."""
    inside = os.path.join(os.path.normpath(directory), "")
    inside = "" if inside in ("./", "") else inside
    read = (module.path for module in analysis.local_modules)
    unread = (problem.location.path for problem in analysis.problems)
    own = os.path.join(os.path.normpath(directory), "")
    paths = (os.path.join(os.path.normpath(path), "") for places in (read, unread) for path in places)
    return any(path.startswith(inside) or path == own for path in paths)


def _facts(tree: Tree) -> Mapping[str, Fact]:
    suffixes = Counter(_suffixes(tree))
    count = suffixes.total()
    common = [f"{number} {suffix}" for suffix, number in suffixes.most_common(_MOST_SUFFIXES)]
    files = "1 file" if count == 1 else f"{count} files"
    there = f"{files}: {', '.join(common)}{', ...' if len(suffixes) > _MOST_SUFFIXES else ''}"
    facts: dict[str, Fact] = {"holds": there if count else "no file"}
    if tree.left_out:
        facts["left out"] = [f"{path}: {reason}" for path, reason in tree.left_out.items()]
    return facts


def _suffixes(tree: Tree) -> Iterator[str]:
    for listing in tree.listings.values():
        for name, is_directory in listing.entries.items():
            if not is_directory:
                yield os.path.splitext(name)[1] or "without a suffix"  # noqa: PTH122

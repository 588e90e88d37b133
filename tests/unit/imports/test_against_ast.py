"""The scanner beside a plain walk over the syntax tree, on the standard library of the Python at hand."""

import ast
import sysconfig
import warnings
from pathlib import Path

from pannier.imports.scanning.conditions import Surroundings
from pannier.imports.scanning.scan import scan_tree
from pannier.imports.scanning.tells import Tells

_SURROUNDINGS = [
    ((2, 7), "linux"),
    ((3, 6), "win32"),
    ((3, 11), "linux"),
    ((3, 11), "darwin"),
    ((3, 14), "win32"),
    ((3, 14), "aix"),
    ((2, 7), "java"),
]
_TESTS = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}


def _imports(tree):
    """Every import of a module by line, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "", node.level


def _sites(tree, text):
    return {
        (site.line, site.module, site.level)
        for version, platform in _SURROUNDINGS
        for site in scan_tree(tree, text, Surroundings(version, platform), tells=Tells(())).sites
    }


def test_every_import_of_the_standard_library_is_found_and_nothing_else():
    root = Path(sysconfig.get_path("stdlib"))
    files = [path for path in sorted(root.rglob("*.py")) if not _TESTS & set(path.relative_to(root).parts)]
    assert len(files) > 400
    differing = {}
    # A fourth of them, always the same, takes a fourth of the time.
    for path in files[::4]:
        text = path.read_text("utf-8", "replace")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                tree = ast.parse(text)
            except SyntaxError:
                continue
        found, wanted = _sites(tree, text), set(_imports(tree))
        if found != wanted:
            differing[str(path.relative_to(root))] = found ^ wanted
    assert not differing

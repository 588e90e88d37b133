"""One file from its bytes to what it imports: a value that can be kept or sent to another process."""

import ast
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from pannier.imports.scanning.conditions import Surroundings
from pannier.imports.scanning.plain_imports import plain_imports
from pannier.imports.scanning.scan import Scan, scan_tree
from pannier.imports.scanning.tells import find_tells
from pannier.imports.scanning.uses import Use, find_uses
from pannier.imports.text.lexical import Code
from pannier.imports.text.reading import read_source
from pannier.imports.text.source import Reading, SourceText
from pannier.imports.text.syntax import Feature, find_features
from pannier.imports.text.usual import is_balanced, is_usual
from pannier.model.analysis import Problem

_DEEPER = 5000
# Cutting such a text up costs as much as parsing it.
_SMALL = 300


class ScanOptions(NamedTuple):
    """What decides how a file is scanned.

    Attributes:
        python_version: Of the target, as numbers.
        platform: The target's `sys.platform`.
        toplevel: Leave out imports inside functions.
        functions: Only what these functions need; everything when empty.
        is_thorough: Parse every line, for the sake of errors in those that cannot import.
        has_versions: Look for what bounds versions, too; only files that the program needs do.
    """

    python_version: tuple[int, ...]
    platform: str
    toplevel: bool = False
    functions: tuple[str, ...] = ()
    is_thorough: bool = True
    has_versions: bool = True


class FileScan(NamedTuple):
    """What one file imports.

    Attributes:
        source: Where its lines stand, without its text; `None` when it could not be read.
        scan: What it imports.
        python2_line: Where it shows that it is written in Python 2; 0 when it does not.
        problems: What is wrong with it.
        functions: The functions that it has, when some were asked for.
        found: The functions that it has of those asked for.
        uses: What it uses that not every version has.
    """

    source: SourceText | None
    scan: Scan = Scan(())
    python2_line: int = 0
    problems: tuple[Problem, ...] = ()
    functions: tuple[str, ...] = ()
    found: frozenset[str] = frozenset()
    uses: tuple[Use, ...] = ()


class _Parsed(NamedTuple):
    tree: ast.Module
    python2_line: int = 0
    problems: tuple[Problem, ...] = ()
    is_interactive: bool = False


def scan_file(path: str, options: ScanOptions) -> FileScan:
    """Read and scan one file; what is wrong with it is among its problems, never an exception."""
    return scan_reading(read_source(path), options)


def scan_reading(reading: Reading, options: ScanOptions) -> FileScan:
    """Scan a source that was read."""
    source = reading.source
    if source is None:
        return FileScan(None, problems=reading.problems)
    with warnings.catch_warnings():
        # Invalid escapes in what is read are none of our user's business.
        warnings.simplefilter("ignore")
        try:
            return _scan(source, reading.problems, options, _parse)
        except RecursionError:
            pass
        try:
            with _deeper():
                return _scan(source, reading.problems, options, _parse)
        except RecursionError:
            part = options._replace(is_thorough=False)
            return _scan(source, reading.problems, part, _parse_lines)


def _scan(
    source: SourceText,
    problems: tuple[Problem, ...],
    options: ScanOptions,
    parse: Callable[[SourceText], _Parsed],
) -> FileScan:
    code = Code(source.text)
    found = _scan_imports(source, code, options, parse)
    features: tuple[Feature, ...] = ()
    uses: tuple[Use, ...] = ()
    if options.has_versions:
        features, uses = find_features(code), find_uses(source.text, found.scan.sites)
        if source.kernel.startswith("2"):
            features = (*features, Feature(f"a kernel of Python {source.kernel}", 1, before=(3, 0)))
    return found._replace(
        source=found.source and found.source._replace(text=""),
        scan=found.scan._replace(features=features),
        problems=(*problems, *found.problems),
        uses=uses,
    )


def _scan_imports(
    source: SourceText, code: Code, options: ScanOptions, parse: Callable[[SourceText], _Parsed]
) -> FileScan:
    """What a file imports, looked for only as deep as the file asks for."""
    tells = find_tells(code, is_named=options.is_thorough)
    parsed: _Parsed | None = None
    if not options.is_thorough and tells.places is not None and len(source.text) >= _SMALL and is_usual(code):
        is_plain = not tells.places and not options.functions and is_balanced(code)
        sites = plain_imports(code, toplevel=options.toplevel) if is_plain else None
        if sites is not None:
            return FileScan(source, Scan(sites))
        parsed = _parse_excerpt(code, tells.places)
    parsed = parsed or parse(source)
    wanted = None
    functions: tuple[str, ...] = ()
    found: frozenset[str] = frozenset()
    if options.functions:
        from pannier.imports.scanning.functions import function_names, reach

        wanted, found = reach(parsed.tree, options.functions)
        functions = function_names(parsed.tree)
    scan = scan_tree(
        parsed.tree,
        source.text,
        Surroundings(options.python_version, options.platform),
        toplevel=options.toplevel,
        wanted=wanted,
        tells=tells,
    )
    if parsed.is_interactive:
        from pannier.imports.text.magics import installs_of

        source = source._replace(installs=(*source.installs, *installs_of(source.text, "%", "!")))
    return FileScan(source, scan, parsed.python2_line, parsed.problems, functions, found)


def _parse_excerpt(code: Code, telling: tuple[int, ...]) -> _Parsed | None:
    """Parse only what can import; `None` when that does not tell all."""
    from pannier.imports.scanning.excerpt import excerpt

    part = excerpt(code, telling)
    try:
        return None if part is None else _Parsed(ast.parse(part))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@contextmanager
def _deeper() -> Iterator[None]:
    """With room for chains of some thousand `elif` or `+`, as generated code has them.

    Each level of the parser's takes some hundred bytes of a stack that usually has 8 MB.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _DEEPER))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _parse_lines(source: SourceText) -> _Parsed:
    """Of a text that is nested too deeply for the parser, what each line imports alone."""
    from pannier.imports.text.repair import imports_alone

    problem = Problem(
        location=source.locate(1),
        message="is nested too deeply for Python's parser; its imports were read line by line",
        code="source-syntax",
    )
    return _Parsed(imports_alone(source.text), problems=(problem,))


def _parse(source: SourceText) -> _Parsed:
    try:
        return _Parsed(ast.parse(source.text))
    except (ValueError, MemoryError) as error:
        failure = SyntaxError(str(error) or "too deeply nested")
    except SyntaxError as error:
        failure = error
    from pannier.imports.text.repair import repair

    repaired = repair(source.text, failure)
    if repaired.dialect == "python2":
        return _Parsed(repaired.tree, python2_line=repaired.line)
    if repaired.dialect != "broken":
        return _Parsed(repaired.tree, is_interactive=repaired.dialect == "interactive")
    location = source.locate(failure.lineno or 1, failure.offset or 1)
    message = f"is not valid Python: {failure.msg}"
    return _Parsed(
        repaired.tree, problems=(Problem(location=location, message=message, code="source-syntax"),)
    )

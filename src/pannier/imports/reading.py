"""Files read for their source: scripts, and notebooks by the code of their cells."""

from pathlib import Path

from pannier.imports.source import Reading, SourceText, decode_source, refused

# Generated tables of constants reach a few MB; past this a file is data that happens to end in `.py`.
LARGEST_SOURCE = 20_000_000


def read_source(path: str) -> Reading:
    """Read one file, a notebook among them; a file that cannot be read is a problem, never an exception."""
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(LARGEST_SOURCE + 1)
    except OSError as error:
        return refused(path, f"cannot be read: {(error.strerror or str(error)).lower()}", "source-unreadable")
    if len(content) > LARGEST_SOURCE:
        limit = LARGEST_SOURCE // 1_000_000
        return refused(path, f"is larger than {limit} MB and was not read", "source-unreadable")
    return parse_source(content, path)


def parse_source(content: bytes, path: str) -> Reading:
    """Decode the bytes of a script or a notebook as Python itself would (PEP 263)."""
    if path.endswith(".ipynb"):
        from pannier.imports.notebook import parse_notebook

        return parse_notebook(content, path)
    text, problems = decode_source(content, path)
    if text is None:
        return Reading(None, problems)
    return Reading(SourceText(path, text), problems)

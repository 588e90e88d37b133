"""Files read for their source: scripts, and notebooks by the code of their cells."""

import os

from pannier.imports.text.source import Reading, SourceText, decode_source, refused, with_plain_line_ends

# Generated tables of constants reach a few MB; past this a file is data that happens to end in `.py`.
LARGEST_SOURCE = 20_000_000
# Notebooks hold their output.
LARGEST_NOTEBOOK = 100_000_000
_MORE = 1 << 20
_EXPORTED = "get_ipython()"
_DATABRICKS_TITLE = "# Databricks notebook source"
_DATABRICKS = "# MAGIC "


def read_source(path: str) -> Reading:
    """Read one file, a notebook among them; a file that cannot be read is a problem, never an exception."""
    largest = LARGEST_NOTEBOOK if path.endswith(".ipynb") else LARGEST_SOURCE
    try:
        content = _read_bytes(path, largest + 1)
    except OSError as error:
        return refused(path, f"cannot be read: {(error.strerror or str(error)).lower()}", "source-unreadable")
    if len(content) > largest:
        limit = largest // 1_000_000
        return refused(path, f"is larger than {limit} MB and was not read", "source-unreadable")
    return parse_source(content, path)


def _read_bytes(path: str, most: int) -> bytes:
    """What a file holds, as far as it is not too much.

    Room is made for what the file is said to hold, not for the most that it may.
    """
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(source).st_size
        content = os.read(source, min(size + 1, most))
        if len(content) == size:
            return content
        # It is no plain file, or being written.
        parts = [content]
        missing = most - len(content)
        while missing and (more := os.read(source, min(missing, _MORE))):
            parts.append(more)
            missing -= len(more)
        return b"".join(parts)
    finally:
        os.close(source)


def parse_source(content: bytes, path: str) -> Reading:
    """Decode the bytes of a script or a notebook as Python itself would (PEP 263)."""
    if path.endswith(".ipynb"):
        from pannier.imports.text.notebook import parse_notebook

        return parse_notebook(content, path)
    text, problems = decode_source(content, path)
    if text is None:
        return Reading(None, problems)
    return Reading(SourceText(path, text, installs=_exported_installs(text)), problems)


def parse_text(text: str, name: str) -> Reading:
    """Read a source that is no file: a script, or a notebook by its content."""
    if is_notebook(text):
        from pannier.imports.text.notebook import parse_notebook

        return parse_notebook(text.encode("utf-8", "surrogatepass"), name)
    plain = with_plain_line_ends(text)
    return Reading(SourceText(name, plain, installs=_exported_installs(plain)))


def is_notebook(text: str) -> bool:
    """Whether a text of no name is a notebook, which as Python would be a dictionary and import nothing."""
    return text.lstrip().startswith("{") and '"nbformat"' in text


def _exported_installs(text: str) -> tuple[tuple[str, int], ...]:
    """What a notebook that was exported as a script installs."""
    mark = _DATABRICKS if text.startswith(_DATABRICKS_TITLE) else _EXPORTED
    if mark not in text:
        return ()
    from pannier.imports.text.magics import installs_of

    return installs_of(text, mark)

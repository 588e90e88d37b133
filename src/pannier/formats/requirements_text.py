"""The text of requirements files as pip takes it apart: its encoding, lines, options and variables."""

import codecs
import re
from collections.abc import Iterator, Mapping

_COMMENT = re.compile(r"(^|\s+)#.*$")
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
# The longer marks first, for the shorter ones begin them.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode_requirements(content: bytes) -> str:
    """Read text as pip does: by its byte order mark, else by a `coding` line among the first two, else UTF-8.

    Raises:
        ValueError: It is of another encoding, or names one that there is not; the text says where.
    """
    mark, encoding = next((pair for pair in _MARKS if content.startswith(pair[0])), (b"", "utf-8"))
    if not mark:
        first = b"\n".join(line for line in content.split(b"\n", 2)[:2] if line.lstrip().startswith(b"#"))
        if found := _CODING.search(first):
            encoding = found[1].decode("ascii")
    try:
        return content[len(mark) :].decode(encoding)
    except LookupError:
        raise ValueError(f"its encoding `{encoding}` is not known") from None
    except UnicodeDecodeError as error:
        line = content[: len(mark) + error.start].count(b"\n") + 1
        advice = "" if mark else "; save it as UTF-8, or begin it with `# coding: latin-1`"
        raise ValueError(f"line {line} is not {encoding.upper()} text{advice}") from None


def iter_requirement_lines(text: str) -> Iterator[tuple[int, str]]:
    """Join continued lines and drop comments, as pip does: first the one, then the other."""
    pending, start = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        start = start or number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            pending += line[:-1]
            continue
        whole = _COMMENT.sub("", pending + (" " + line if is_comment and pending else line)).strip()
        if whole:
            yield start, whole
        pending, start = "", 0
    if rest := _COMMENT.sub("", pending).strip():
        yield start, rest


def split_option(line: str) -> tuple[str, str]:
    """Cut `--option=value`, `--option value` and `-rvalue`; a requirement has no option."""
    if not line.startswith("-"):
        return "", ""
    if not line.startswith("--") and line[2:3] not in ("", " ", "="):
        return line[:2], line[2:].strip()
    option, _, value = line.partition(" ")
    if "=" in option:
        option, _, value = line.partition("=")
    import shlex

    try:
        return option, " ".join(shlex.split(value))
    except ValueError:
        return option, value.strip()


def expand_variables(text: str, environ: Mapping[str, str]) -> str:
    """Put variables' values in the place of `${NAME}`; one that is not set, or empty, stays as it is."""
    return _VARIABLE.sub(lambda match: environ.get(match[1]) or match[0], text)


def unset_variables(text: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Name the variables of a text that have no value."""
    return tuple(dict.fromkeys(name for name in _VARIABLE.findall(text) if not environ.get(name)))

"""The one place where errors become text and JSON."""

import errno
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pannier.cli.render import PLAIN, Colour, Style, display_width, printable
from pannier.model.errors import Fact, PannierError, StorageError, UsageError
from pannier.store.redaction import redact

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h
TRACEBACK_VARIABLE = "PANNIER_TRACEBACK"
SHOWN_VALUES = 3
_LINE_WIDTH = 100
# Each of these has to be mended: leaving some out would only mean another try for each.
_SHOWN_WHOLE = ("problems",)


def render_error(error: PannierError, style: Style = PLAIN, *, verbose: bool = False) -> str:
    """The error in the form of the error reference: sentence, facts, hint, code."""
    return _render("error", "red", error.message, error.facts, error.hint, error.code, style, verbose)


def render_warning(
    message: str,
    facts: Mapping[str, Fact],
    hint: str,
    code: str,
    style: Style = PLAIN,
    *,
    verbose: bool = False,
) -> str:
    """A warning in the form of an error."""
    return _render("warning", "yellow", message, facts, hint, code, style, verbose)


def _render(
    label: str,
    colour: Colour,
    message: str,
    facts: Mapping[str, Fact],
    hint: str,
    code: str,
    style: Style,
    verbose: bool,
) -> str:
    lines = [f"{style.paint(label + ':', colour)} {_clean(message)}", *_fact_lines(facts, verbose)]
    if hint:
        lines.append(f"{style.paint('hint:', 'green')} {_clean(hint)}")
    if code:
        lines.append(style.paint(f"code: {_clean(code)}", "dim"))
    return "".join(f"{line}\n" for line in lines)


def _clean(text: str) -> str:
    return printable(redact(text))


def _fact_lines(facts: Mapping[str, Fact], verbose: bool) -> list[str]:
    # A literal in backticks is a thing, not the name of a fact, and takes no colon.
    labels = {name: _clean(name) if name.startswith("`") else f"{_clean(name)}:" for name in facts}
    width = max(map(display_width, labels.values()), default=0)
    lines = []
    for name, value in facts.items():
        label = labels[name] + " " * (width - display_width(labels[name]))
        first, *rest = _value_lines(value, _LINE_WIDTH - width - 3, verbose or name in _SHOWN_WHOLE)
        lines.append(f"  {label} {first}".rstrip())
        lines += [f"  {' ' * width} {line}".rstrip() for line in rest]
    return lines


def _value_lines(value: Fact, width: int, verbose: bool) -> list[str]:
    """A value's lines: a list stands on one where it fits, else each item on its own."""
    if isinstance(value, str):
        return _clean(value).splitlines() or [""]
    shown = [_clean(item) for item in (value if verbose else value[:SHOWN_VALUES])]
    left_out = len(value) - len(shown)
    others = f"(+ {left_out} other{'s' if left_out > 1 else ''})" if left_out else ""
    joined = ", ".join(shown) + (f" {others}" if others else "")
    if "\n" not in joined and display_width(joined) <= width:
        return [joined]
    lines = [line for item in shown for line in item.splitlines()]
    return [*lines, others] if others else lines


def error_data(message: str, facts: Mapping[str, Fact], hint: str, code: str) -> dict[str, object]:
    """An error or a warning for the JSON envelope: the same fields, with nothing left out of its lists."""
    values = {
        redact(name): redact(value) if isinstance(value, str) else [redact(item) for item in value]
        for name, value in facts.items()
    }
    return {"code": code, "message": redact(message), "facts": values, "hint": redact(hint)}


class _Meaning(NamedTuple):
    """What a system error means: a sentence about `{name}`, a code and a hint."""

    sentence: str
    code: str
    hint: str = ""


_DENIED = _Meaning(
    "{name} may not be used by this user",
    code="permission-denied",
    hint="see its owner and mode with `ls -ld`",
)
_MEANINGS = {
    errno.ENOENT: _Meaning(
        "there is no file or directory {name}", code="no-such-file", hint="check the path and its spelling"
    ),
    errno.EISDIR: _Meaning("{name} is a directory, not a file", code="is-a-directory", hint="name a file"),
    errno.ENOTDIR: _Meaning("{name} leads through something that is no directory", code="not-a-directory"),
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: _Meaning(
        "{name} is on a file system that is read-only",
        code="read-only",
        hint="name a place that can be written",
    ),
    errno.EEXIST: _Meaning(
        "{name} exists already", code="file-exists", hint="remove it, or name another place"
    ),
    errno.ENAMETOOLONG: _Meaning(
        "{name} is longer than the system allows", code="name-too-long", hint="name a shorter path"
    ),
}
_FULL = (errno.ENOSPC, errno.EDQUOT)


def from_system_error(error: OSError) -> PannierError:
    """The error of ours that says what the system's means."""
    path = error.filename if error.filename is not None else ""
    path = os.fsdecode(path) if isinstance(path, str | bytes) else str(path)
    name = f"`{path}`" if path else "something it needs"
    if error.errno in _FULL:
        return StorageError(
            f"no space is left to write {name}",
            code="disk-full",
            hint="free some space, or name a roomier place with `--cache-dir` or `TMPDIR`",
        )
    meaning = _MEANINGS.get(error.errno or 0)
    if meaning is not None:
        # Not str.format: a file may be called `{name}`.
        return PannierError(meaning.sentence.replace("{name}", name), code=meaning.code, hint=meaning.hint)
    facts = {"system": error.strerror or str(error) or type(error).__name__}
    if path:
        facts["file"] = path
    return PannierError(
        "the system refused an operation",
        code="system-error",
        facts=facts,
        hint=f"run again with `{TRACEBACK_VARIABLE}=1` to see where",
    )


def from_unexpected(error: BaseException, argv: Sequence[str]) -> PannierError:
    """A defect of Pannier's, as something that can be reported."""
    import platform
    import shlex

    from pannier import __version__

    last = str(error).strip().splitlines()
    return InternalError(
        "Pannier met a situation it was not made for",
        facts={
            "what": f"{type(error).__name__}: {last[-1]}" if last else type(error).__name__,
            "command": shlex.join(argv),
            "version": f"pannier {__version__}, python {platform.python_version()}",
            "platform": platform.platform(),
        },
        hint=f"run again with `{TRACEBACK_VARIABLE}=1` and report what it prints",
    )


class InternalError(PannierError):
    """A defect of Pannier's own."""

    default_code = "internal"
    exit_status = INTERNAL_ERROR


def suggestion(word: str, known: Sequence[str]) -> str:
    """The hint that names the nearest of `known`, or nothing when none is near."""
    import difflib

    nearest = difflib.get_close_matches(word, known, n=1)
    return f"did you mean `{nearest[0]}`?" if nearest else ""


def usage_error(message: str, *, hint: str = "", **facts: str) -> UsageError:
    """A command line that asks for something that cannot be."""
    return UsageError(message, facts=facts, hint=hint)

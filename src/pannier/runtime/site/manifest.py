"""What a bundle's manifest may say: every field of it checked, before anything acts upon one."""

import re
from typing import Any, Callable, Dict, Iterable, List

from pannier.runtime.errors import ArchiveError, printable
from pannier.runtime.site import layout

_Check = Callable[[Any, str], None]
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_ALIAS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_MEMBER = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.+!-]*/)*[A-Za-z0-9_][A-Za-z0-9_.+!-]*")
_FILENAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+!-]*\.whl")
_PROJECT = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+!-]*")
_PYTHON = re.compile(r"\d+\.\d+(\.\d+)?((a|b|rc)\d+)?")
_PLATFORM = re.compile(r"[a-z]+-[a-z0-9_]+-(glibc|musl)\d+\.\d+")
_ABI = re.compile(r"cp\d+[a-z]*")
_EXECUTABLE = re.compile(r"bin/python[0-9.]*")
_ABSOLUTE = re.compile(r"/|(/(?!\.\.?(/|$))[^/\x00-\x1f\x7f]+)+")


def check_manifest(value: Any) -> None:
    """Refuse what is no manifest of the version that this code knows.

    Args:
        value: What came out of the JSON.

    Raises:
        ArchiveError: It is not one, or of a version that came later.
    """
    if not isinstance(value, dict) or value.get("format") != layout.FORMAT:
        raise invalid("it does not say `format` `%s`" % layout.FORMAT)
    version = value.get("version")
    if isinstance(version, bool) or not isinstance(version, int):
        raise invalid("`version` is not a number")
    if version != layout.VERSION:
        raise ArchiveError(
            "the bundle is of format version %d, which this Pannier does not know" % version,
            "unknown-format",
            {"known": str(layout.VERSION)},
            "use a newer Pannier",
        )
    _MANIFEST(value, "")
    _check_references(value)


def invalid(because: str) -> ArchiveError:
    """A manifest that cannot be one."""
    return ArchiveError(
        "the manifest of this bundle cannot be read",
        "site-manifest",
        {"because": printable(because)},
        "copy the bundle again; `pannier verify` tells whether the original is whole",
    )


def _is_text(value: Any, at: str) -> None:
    if not isinstance(value, str):
        raise invalid("`%s` is not a string" % at)


def _line(value: Any, at: str) -> None:
    _is_text(value, at)
    if not value.isprintable() or not value.strip():
        raise invalid("`%s` is not one line of text" % at)


def _truth(value: Any, at: str) -> None:
    if not isinstance(value, bool):
        raise invalid("`%s` is not true or false" % at)


def _count(value: Any, at: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 60:
        raise invalid("`%s` is not a number of zero or more" % at)


def _same(wanted: Any) -> _Check:
    def check(value: Any, at: str) -> None:
        if value != wanted or isinstance(value, bool):
            raise invalid("`%s` is not `%s`" % (at, wanted))

    return check


def _matching(pattern: "re.Pattern[str]", wanted: str) -> _Check:
    def check(value: Any, at: str) -> None:
        _is_text(value, at)
        if not pattern.fullmatch(value):
            raise invalid("`%s` is not %s: %s" % (at, wanted, value[:80]))

    return check


def _list_of(item: _Check) -> _Check:
    def check(value: Any, at: str) -> None:
        if not isinstance(value, list):
            raise invalid("`%s` is not an array" % at)
        for index, one in enumerate(value):
            item(one, "%s[%d]" % (at, index))

    return check


def _or_null(item: _Check) -> _Check:
    def check(value: Any, at: str) -> None:
        if value is not None:
            item(value, at)

    return check


def _object(**fields: _Check) -> _Check:
    def check(value: Any, at: str) -> None:
        if not isinstance(value, dict):
            raise invalid("`%s` is not an object" % at)
        strange = sorted(set(fields) ^ set(value))
        if strange:
            words = "is missing" if strange[0] in fields else "is not known"
            raise invalid("`%s` %s" % (_join(at, strange[0]), words))
        for key, item in fields.items():
            item(value[key], _join(at, key))

    return check


def _join(at: str, key: str) -> str:
    return "%s.%s" % (at, key) if at else key


def _interpreter(value: Any, at: str) -> None:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in _INTERPRETERS:
        raise invalid("`%s.kind` is none of %s" % (at, ", ".join(sorted(_INTERPRETERS))))
    _INTERPRETERS[kind](value, at)


def _wheels(value: Any, at: str) -> None:
    if not isinstance(value, dict):
        raise invalid("`%s` is not an object" % at)
    for sha256, wheel in value.items():
        _sha256(sha256, at)
        _WHEEL(wheel, "%s.%s" % (at, sha256))
        if wheel["path"].rpartition("/")[2] != wheel["filename"] or not wheel["path"].startswith("wheels/"):
            raise invalid("`%s.%s.path` does not fit its file name" % (at, sha256))


_sha256 = _matching(_SHA256, "64 hex digits")
_name = _matching(_NAME, "a name")
_member = _matching(_MEMBER, "a path in the bundle")
_absolute = _matching(_ABSOLUTE, "an absolute path")
_WHEEL = _object(
    filename=_matching(_FILENAME, "the name of a wheel"),
    path=_member,
    size=_count,
    project=_matching(_PROJECT, "a normalized name"),
    version=_matching(_VERSION, "a version"),
    built=_truth,
    included=_truth,
)
_INTERPRETERS: Dict[str, _Check] = {
    "system": _object(kind=_same("system")),
    "path": _object(kind=_same("path"), path=_absolute),
    "bundled": _object(
        kind=_same("bundled"), file=_member, executable=_matching(_EXECUTABLE, "the path of a Python")
    ),
}
_ENVIRONMENT = _object(
    name=_name,
    python=_matching(_PYTHON, "a Python version"),
    abi=_matching(_ABI, "an ABI"),
    platform=_matching(_PLATFORM, "a platform"),
    aliases=_list_of(_matching(_ALIAS, "a name of a command")),
    smoke=_list_of(_is_text),
    interpreter=_interpreter,
    lock=_member,
    wheels=_list_of(_sha256),
)
_MANIFEST = _object(
    format=_same(layout.FORMAT),
    version=_same(layout.VERSION),
    id=_sha256,
    tool=_line,
    name=_line,
    site=_object(prefix=_absolute, bin=_absolute),
    environments=_list_of(_ENVIRONMENT),
    wheels=_wheels,
    files=_list_of(_object(name=_member, size=_count, sha256=_sha256)),
    header_sha256=_sha256,
    rehearsed=_or_null(_object(tool=_line, environments=_list_of(_name))),
    since=_or_null(_sha256),
)


def _check_references(manifest: Dict[str, Any]) -> None:
    environments = manifest["environments"]
    commands = [one["name"] for one in environments]
    commands += [alias for one in environments for alias in one["aliases"]]
    _once(commands, "environments")
    members = [member.name for member in layout.expected_members(manifest)]
    _once([*members, layout.MANIFEST_NAME, layout.SIGNATURE_NAME], "files")
    used = {sha256 for one in environments for sha256 in one["wheels"]}
    if used != set(manifest["wheels"]):
        raise invalid("the environments' wheels are not those of `wheels`")
    files = {file["name"] for file in manifest["files"]}
    for one in environments:
        _once(one["wheels"], "environments.%s.wheels" % one["name"])
        if one["lock"] not in files:
            raise invalid("the lock of `%s` is not among the files" % one["name"])
        if (manifest["since"] is None) and one["interpreter"].get("file", one["lock"]) not in files:
            raise invalid("the interpreter of `%s` is not among the files" % one["name"])
    if manifest["since"] is None and not all(wheel["included"] for wheel in manifest["wheels"].values()):
        raise invalid("wheels are left out, but `since` does not say of which bundle")


def _once(names: Iterable[str], at: str) -> None:
    seen: List[str] = sorted(names)
    for one, other in zip(seen, seen[1:]):  # noqa: RUF007 - Python 3.6
        if one == other:
            raise invalid("`%s` names `%s` twice" % (at, one))

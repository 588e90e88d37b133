"""conda's way to write packages, as far as it must be understood without conda."""

import re
from typing import NamedTuple

_MATCHSPEC = re.compile(
    r"(?:(?P<channel>[^\s:=<>!~\[\]]+(?:::))|)(?P<name>[A-Za-z0-9_.-]+?)(?P<rest>(?:[=<>!~\s\[].*)?)",
    re.DOTALL,
)
_VERSION = re.compile(r"\d+(\.\d+)*([a-z]+\d*)?")
_OPERATORS = ("==", ">=", "<=", "!=", "~=", ">", "<")


class MatchspecError(ValueError):
    """A text is no matchspec that can be read here; the text says why."""


class CondaPackage(NamedTuple):
    """A matchspec, cut into its parts.

    Attributes:
        name: Lower case.
        rest: Everything after the name as written, `=1.20=py39_0`.
        channel: The one named before `::`, or empty.
    """

    name: str
    rest: str = ""
    channel: str = ""

    @property
    def matchspec(self) -> str:
        """The whole again."""
        return (f"{self.channel}::" if self.channel else "") + self.name + self.rest


def parse_conda_package(text: str) -> CondaPackage:
    """Cut a matchspec into its parts.

    Raises:
        MatchspecError: It is none.
    """
    match = _MATCHSPEC.fullmatch(text.strip())
    if match is None:
        raise MatchspecError(f"`{text}` is not a conda package")
    channel = (match["channel"] or "").removesuffix("::")
    rest = match["rest"].rstrip()
    return CondaPackage(match["name"].lower(), rest, channel)


def python_specifier(rest: str) -> str:
    """Say in PEP 440's words which Pythons a matchspec for `python` allows.

    Args:
        rest: What follows the name: `=3.11`, `>=3.9,<3.12`, ` 3.11.*`, `=3.11.7=h123_0`.

    Raises:
        MatchspecError: PEP 440 has no words for it.
    """
    version = _version_part(rest.strip())
    if version in ("", "*"):
        return ""
    if "|" in version:
        raise MatchspecError(f"`{version}` allows either of several versions; name a range instead")
    return ",".join(_python_clause(clause.strip()) for clause in version.split(","))


def _version_part(rest: str) -> str:
    """Drop the build: `=3.11.7=h1_0` and `3.11.7 h1_0`, but not the `==` of `==3.11`."""
    if rest.startswith("=") and not rest.startswith("=="):
        version = rest[1:].split("=", maxsplit=1)[0].strip()
        return f"={version}" if version and not version.startswith(_OPERATORS) else version
    if rest.startswith("=="):
        return "==" + rest[2:].split("=", maxsplit=1)[0].strip()
    if rest[:1].isdigit():
        return re.split(r"[\s=]", rest, maxsplit=1)[0]
    # White space after an operator or a comma joins, any other begins the build.
    joined = re.sub(r"(?<=[<>=!~,])\s+|\s+(?=,)", "", rest)
    return joined.split()[0] if joined else ""


def _python_clause(clause: str) -> str:
    operator = next((sign for sign in _OPERATORS if clause.startswith(sign)), "")
    fuzzy = not operator
    version = clause.removeprefix(operator).removeprefix("=").strip()
    starred = version.endswith("*")
    version = version.removesuffix("*").removesuffix(".")
    if not _VERSION.fullmatch(version):
        raise MatchspecError(f"`{clause}` is not a version of Python")
    if operator in ("==", "!="):
        return f"{operator}{version}{'.*' if starred else ''}"
    if operator:
        return f"{operator}{version}"
    is_whole = version.count(".") >= 2
    return f"=={version}" if fuzzy and is_whole and not starred else f"=={version}.*"

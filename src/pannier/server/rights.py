"""Who may do what: rules of users and groups, projects and rights.

Without rules, whoever signs in may do everything that takes signing in; with rules, only what they grant.
What takes no signing in (`authenticate` does not name it) is open to everybody, rules or not.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, NamedTuple

from pannier.formats.wheels import normalize_project
from pannier.model.errors import SpecError, UsageError
from pannier.server.messages import Identity

RIGHTS = ("list", "download", "update", "remove")
"""What may be granted; `upload` is another name of `update`."""
_KEYS = {"who", "projects", "may"}


class Rule(NamedTuple):
    """What some may do to some projects.

    Attributes:
        who: Users; groups as `@group`; `*` for everybody who has signed in.
        projects: Patterns of normalized names (`*`, `?`, `[...]`).
        may: Rights.
    """

    who: tuple[str, ...]
    projects: tuple[str, ...]
    may: frozenset[str]


class Grants(NamedTuple):
    """What a file of rights says.

    Attributes:
        groups: Group to its users.
        rules: What is granted; `None` grants everything to all who have signed in.
    """

    groups: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    rules: tuple[Rule, ...] | None = None

    def identity(self, user: str) -> Identity:
        """A user with the groups that the user is in."""
        return Identity(user, tuple(group for group, users in self.groups.items() if user in users))

    def allows(self, identity: Identity, right: str, project: str) -> bool:
        """Tell whether somebody who has signed in may do this.

        Args:
            identity: Who asks.
            right: One of `RIGHTS`.
            project: Normalized name; empty for what concerns no single project, which takes the right to any.
        """
        if self.rules is None:
            return True
        return any(
            right in rule.may and _concerns(rule.who, identity) and (not project or _matches(rule, project))
            for rule in self.rules
        )

    def is_limited(self, identity: Identity, right: str) -> bool:
        """Tell whether somebody has this right on some projects only, so that each has to be asked for."""
        return self.rules is not None and not any(
            right in rule.may and _concerns(rule.who, identity) and "*" in rule.projects
            for rule in self.rules
        )


def _concerns(who: Iterable[str], identity: Identity) -> bool:
    return any(
        name in ("*", identity.name) or (name.startswith("@") and name[1:] in identity.groups) for name in who
    )


def _matches(rule: Rule, project: str) -> bool:
    return any(fnmatchcase(project, pattern) for pattern in rule.projects)


def parse_protected(words: Iterable[str]) -> frozenset[str]:
    """Read what takes signing in, as pypiserver's `--authenticate` has it: rights, or `.` for nothing.

    pypiserver's `update` covers removing too, so it does here.

    Raises:
        UsageError: A word is none of them.
    """
    given = [word.strip().lower() for word in words if word.strip()]
    if given == ["."]:
        return frozenset()
    unknown = sorted(set(given) - {*RIGHTS, "upload"})
    if unknown:
        raise UsageError(
            f"`{', '.join(unknown)}` is nothing that `--authenticate` knows",
            facts={"known": "list, download, update, or a lone . for nothing"},
        )
    rights = {_right(word) for word in given}
    return frozenset(rights | ({"remove"} if "update" in given else set()))


def parse_rights(text: str, *, where: str) -> Grants:
    """Read a file of rights: TOML with `[groups]` and any number of `[[rights]]`.

    Args:
        text: Of the file. A rule has `who`, `projects` (all without it) and `may`: strings or lists of them.
        where: The file, for messages.

    Raises:
        SpecError: It says what cannot be; everything wrong is named.
    """
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(
            f"`{where}` is not valid TOML", code="rights-invalid", facts={"reason": str(error)}
        ) from None
    wrong = [f"`{key}` is not known" for key in document if key not in ("groups", "rights")]
    groups = {name: _words(users, name, "groups", wrong) for name, users in _groups(document, wrong)}
    rules = [_parse_rule(table, f"rule {number}", wrong) for number, table in _tables(document, wrong)]
    known = {f"@{group}" for group in groups}
    wrong.extend(
        f"rule {number}: there is no group `{name}`"
        for number, rule in enumerate(rules, 1)
        for name in rule.who
        if name.startswith("@") and name not in known
    )
    if wrong:
        raise SpecError(
            f"`{where}` grants rights that Pannier does not understand",
            code="rights-invalid",
            facts={"wrong": wrong, "rights": ", ".join(RIGHTS)},
            hint='write `who = ["alice", "@team"]`, `projects = ["name-*"]`, `may = ["update"]`',
        )
    return Grants(groups, tuple(rules))


def _groups(document: Mapping[str, Any], wrong: list[str]) -> Iterable[tuple[str, Any]]:
    table = document.get("groups", {})
    if isinstance(table, dict):
        return table.items()
    wrong.append("`groups` must be a table")
    return ()


def _tables(document: Mapping[str, Any], wrong: list[str]) -> Iterable[tuple[int, Mapping[str, Any]]]:
    tables = document.get("rights", [])
    if isinstance(tables, list) and all(isinstance(table, dict) for table in tables):
        return enumerate(tables, 1)
    wrong.append("`rights` must be written as `[[rights]]`")
    return ()


def _parse_rule(table: Mapping[str, Any], name: str, wrong: list[str]) -> Rule:
    wrong.extend(f"{name}: `{key}` is not known" for key in table if key not in _KEYS)
    given = {"projects": "*", **table}
    values = {key: _words(given.get(key), key, name, wrong) for key in sorted(_KEYS)}
    may = [_right(word) for word in values["may"]]
    wrong.extend(f"{name}: `{right}` is no right" for right in may if right not in RIGHTS)
    projects = tuple(normalize_pattern(pattern) for pattern in values["projects"])
    return Rule(values["who"], projects, frozenset(may))


def _words(value: object, key: str, name: str, wrong: list[str]) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if isinstance(words, list) and words and all(isinstance(word, str) and word for word in words):
        return tuple(words)
    wrong.append(f"{name}: `{key}` must be a string or a list of strings")
    return ()


def _right(word: str) -> str:
    return "update" if word == "upload" else word


def normalize_pattern(pattern: str) -> str:
    """Write a pattern as the normalized names it is compared with."""
    return pattern if "[" in pattern else normalize_project(pattern)

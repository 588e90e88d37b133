"""site.toml: the environments a server is to have, read with all its problems at once."""

import re
import tomllib
from pathlib import PurePosixPath
from typing import Any

from pannier.formats.spec_problems import SpecProblems
from pannier.formats.toml_lines import with_lines
from pannier.model.errors import SpecError, UsageError
from pannier.model.site import Site, SiteEnvironment, SiteInterpreter
from pannier.model.target import Platform, whole_python_version

SITE_KEYS = ("name", "prefix", "bin", "platform")
"""Keys of the table `site`."""
ENVIRONMENT_KEYS = (
    "python", "requirements", "constraints", "smoke", "aliases", "platform", "interpreter",
)  # fmt: skip
"""Keys of each table `environment.NAME`."""

_ENVIRONMENT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_COMMAND_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
# The installer's prompt, logs and shell wrappers show these: one line each, whatever the terminal.
# What no relocatable copy is made of.
_NOT_COPIED = ("2.", "3.5")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def parse_site(text: str, *, filename: str, default_name: str = "site") -> Site:
    """Read a site.toml.

    Args:
        text: Its content.
        filename: Where it was read from, for messages.
        default_name: The site's name where the file gives none.

    Raises:
        SpecError: It is no TOML, or something in it is unknown, missing, of the wrong type or not possible;
            all such places are told at once.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _invalid(filename, text, [f"it is not TOML: {error}"]) from error
    reader = _Reader(SpecProblems(filename))
    site = reader.read(document, default_name)
    if reader.problems.found:
        raise _invalid(filename, text, reader.problems.found)
    return site


def _invalid(filename: str, text: str, problems: list[str]) -> SpecError:
    count = "" if len(problems) == 1 else f" in {len(problems)} places"
    return SpecError(
        f"`{filename}` does not describe a site{count}",
        code="site-invalid",
        facts={"problems": with_lines(problems, text, filename)},
        hint='the page "site.toml" of the documentation lists every key, with examples',
    )


class _Reader:
    """Reads the tables, and notes what is wrong with them."""

    def __init__(self, problems: SpecProblems) -> None:
        self.problems = problems

    def read(self, document: dict[str, Any], default_name: str) -> Site:
        self.problems.check_keys(document, ("site", "environment"))
        table = self.problems.table(document.get("site"), "site")
        self.problems.check_keys(table, SITE_KEYS, "site")
        name = self._line(table.get("name", default_name), "site.name")
        platform = self._platform(table.get("platform"), "site.platform")
        environments = [
            self._environment(name, self.problems.table(value, f"environment.{name}"), platform)
            for name, value in self.problems.table(document.get("environment"), "environment").items()
        ]
        if not environments:
            self.problems.add("environment", "there is none; name one in a table `[environment.NAME]`")
        self._check_names(environments)
        return Site(
            name=name or default_name,
            prefix=self._directory(table, "prefix"),
            bin=self._directory(table, "bin"),
            environments=tuple(environments),
        )

    def _environment(self, name: str, table: dict[str, Any], platform: Platform | None) -> SiteEnvironment:
        place = f"environment.{name}"
        if not _ENVIRONMENT_NAME.fullmatch(name):
            self.problems.add(place, "a name is of lower-case letters, digits, `-` and `_`")
        self.problems.check_keys(table, ENVIRONMENT_KEYS, place)
        own = self._platform(table.get("platform"), f"{place}.platform")
        return SiteEnvironment(
            name=name,
            python=self._python(table, place),
            requirements=self._files(table, place, "requirements"),
            constraints=self._files(table, place, "constraints"),
            smoke=self._lines(table.get("smoke"), f"{place}.smoke"),
            aliases=self._aliases(table.get("aliases"), f"{place}.aliases"),
            platform=own or platform,
            interpreter=self._interpreter(table, place),
        )

    def _line(self, value: Any, place: str) -> str:
        text = self.problems.text(value, place)
        if _CONTROL.search(text):
            self.problems.add(place, "must be one line, without control characters")
        return text

    def _lines(self, value: Any, place: str) -> tuple[str, ...]:
        lines = [(where, self._line(item, where)) for where, item in self.problems.items(value, place)]
        return tuple(line for _, line in lines if line)

    def _directory(self, table: dict[str, Any], key: str) -> str:
        place = f"site.{key}"
        if key not in table:
            self.problems.add(place, "is missing; an absolute directory on the server")
            return ""
        return self._absolute(table[key], place)

    def _absolute(self, value: Any, place: str) -> str:
        text = self._line(value, place)
        path = PurePosixPath(text)
        if isinstance(value, str) and (not path.is_absolute() or ".." in path.parts or path == path.parent):
            self.problems.add(place, f"must be an absolute path on the server without `..`, not `{text}`")
        # Two slashes at the beginning mean something of their own to POSIX, and to nobody here.
        return f"/{text.lstrip('/')}".rstrip("/") if text else ""

    def _python(self, table: dict[str, Any], place: str) -> str:
        place = f"{place}.python"
        if "python" not in table:
            self.problems.add(place, 'is missing; a version such as "3.6" or "3.6.15"')
            return ""
        text = self.problems.text(table["python"], place)
        try:
            if text or isinstance(table["python"], str):
                whole_python_version(text)
        except UsageError as error:
            self.problems.add(place, f"{error}; known: {error.facts['known']}")
        return text

    def _files(self, table: dict[str, Any], place: str, key: str) -> tuple[str, ...]:
        place = f"{place}.{key}"
        files = self._lines(table.get(key), place)
        if key == "requirements" and not table.get(key):
            self.problems.add(place, "is missing; a list of at least one requirements file")
        if len(set(files)) != len(files):
            self.problems.add(place, "names a file twice")
        return files

    def _aliases(self, value: Any, place: str) -> tuple[str, ...]:
        aliases = self._lines(value, place)
        for alias in aliases:
            if not _COMMAND_NAME.fullmatch(alias):
                self.problems.add(place, f"`{alias}` cannot be the name of a command here")
        return aliases

    def _platform(self, value: Any, place: str) -> Platform | None:
        if value is None:
            return None
        text = self.problems.text(value, place)
        try:
            return Platform.parse(text) if isinstance(value, str) else None
        except UsageError as error:
            self.problems.add(place, f"{error}; {error.hint}")
            return None

    def _interpreter(self, table: dict[str, Any], place: str) -> SiteInterpreter:
        value, place = table.get("interpreter", "system"), f"{place}.interpreter"
        text = self.problems.text(value, place)
        if text == "bundled":
            if str(table.get("python", "")).startswith(_NOT_COPIED):
                self.problems.add(
                    place,
                    "a Python before 3.6 cannot be bundled: `system`, or its absolute path on the server",
                )
            return SiteInterpreter(kind="bundled")
        if text.startswith("/"):
            return SiteInterpreter(kind="path", path=self._absolute(text, place))
        if text != "system" and isinstance(value, str):
            self.problems.add(
                place, f"must be `system`, `bundled` or an absolute path on the server, not `{text}`"
            )
        return SiteInterpreter()

    def _check_names(self, environments: list[SiteEnvironment]) -> None:
        owners: dict[str, str] = {}
        for environment in environments:
            for name in (environment.name, *environment.aliases):
                if name in owners:
                    self.problems.add(
                        f"environment.{environment.name}",
                        f"`{name}` is a name of `environment.{owners[name]}` already",
                    )
                owners.setdefault(name, environment.name)

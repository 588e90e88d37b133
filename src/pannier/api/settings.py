"""Settings: `pannier.toml` or `[tool.pannier]`, then `PANNIER_*`, then flags; one name in all three.

A setting `find-links` is the key `find-links` in a file, the variable `PANNIER_FIND_LINKS` and the flag
`--find-links`. A later source replaces an earlier one; lists are not merged.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pannier.model.errors import SpecError, UsageError

Kind = Literal["text", "flag", "list", "table"]


class SettingInfo(NamedTuple):
    """What one setting is, for reading it and for the reference.

    Attributes:
        kind: `text`, `flag` (true or false), `list` of texts, or `table` of texts.
        about: One sentence for people.
    """

    kind: Kind
    about: str


SETTINGS: dict[str, SettingInfo] = {
    "cache-dir": SettingInfo("text", "Where downloads, layers and unpacked packs are kept."),
    "offline": SettingInfo("flag", "Ask no network: use what the cache has."),
    "index-url": SettingInfo("text", "The package index, instead of the one pip and uv are set up for."),
    "extra-index-url": SettingInfo("list", "More indexes, asked before the default one."),
    "find-links": SettingInfo("list", "Directories or pages with distributions to consider as well."),
    "interpreter": SettingInfo(
        "text", "The Python inside a pack: auto, a path, a version, standalone, or none for the target's own."
    ),
    "python": SettingInfo("text", "The Python version to lock and pack for, such as 3.11."),
    "platform": SettingInfo("text", "The platform to lock and pack for, such as linux-x86_64-glibc2.28."),
    "include": SettingInfo("list", "Data files and directories to pack with the program."),
    "mapping": SettingInfo("table", "Import name to project name, before anything else that is known."),
    "prerelease": SettingInfo("flag", "Let pre-releases be chosen."),
    "exclude-newer": SettingInfo("text", "Ignore what was uploaded after this date, such as 2026-01-31."),
}


class Settings(NamedTuple):
    """Every setting with its value; the names are those of `SETTINGS`.

    Attributes:
        environ: The environment variables that other tools' configuration is read from.
    """

    cache_dir: str = ""
    offline: bool = False
    index_url: str = ""
    extra_index_url: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    interpreter: str = "auto"
    python: str = ""
    platform: str = ""
    include: tuple[str, ...] = ()
    mapping: Mapping[str, str] = MappingProxyType({})
    prerelease: bool = False
    exclude_newer: str = ""
    environ: Mapping[str, str] = MappingProxyType({})

    @property
    def cache_root(self) -> Path:
        """The directory that everything kept lies under."""
        from pannier.store.directories import usable_cache_root

        return Path(self.cache_dir).absolute() if self.cache_dir else usable_cache_root(self.environ)


def load_settings(flags: Mapping[str, Any], environ: Mapping[str, str], directory: Path) -> Settings:
    """Read the settings in force.

    Args:
        flags: What the command line said, by field name (`find_links`); absent or `None` for not said.
        environ: Environment variables, of which `PANNIER_*` are read.
        directory: Where the search for a configuration file starts; its parents follow.

    Raises:
        SpecError: A configuration file is not valid; every wrong key is named at once.
        UsageError: A variable holds what it cannot.
    """
    values: dict[str, Any] = {}
    values.update(_file_values(directory))
    values.update(_environment_values(environ))
    known = set(Settings._fields)
    values.update({name: value for name, value in flags.items() if value is not None and name in known})
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    return Settings(**values, environ=dict(environ))


def parse_tool_table(table: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """Check a `[tool.pannier]` table and give its values by field name.

    Args:
        table: The table as TOML gave it.
        where: The file, for messages.

    Raises:
        SpecError: A key is unknown, or its value of the wrong kind; all are named.
    """
    expected = {"text": str, "flag": bool, "list": list, "table": dict}
    names = {"text": "a string", "flag": "true or false", "list": "a list of strings"}
    wrong: list[str] = []
    values: dict[str, Any] = {}
    for key, value in table.items():
        info = SETTINGS.get(key)
        if info is None:
            wrong.append(f"`{key}` is not a setting")
        elif not isinstance(value, expected[info.kind]) or not _all_text(value):
            wrong.append(f"`{key}` must be {names.get(info.kind, 'a table of strings')}")
        else:
            values[key.replace("-", "_")] = value
    if wrong:
        raise SpecError(
            f"`{where}` has settings that Pannier cannot use",
            code="settings-invalid",
            facts={"wrong": wrong, "known": ", ".join(SETTINGS)},
            hint="see docs/reference/settings.md",
        )
    return values


def _all_text(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    if isinstance(value, dict):
        return all(isinstance(item, str) for item in value.values())
    return True


def _file_values(directory: Path) -> dict[str, Any]:
    """The nearest configuration file's values; `pannier.toml` wins over `pyproject.toml` beside it."""
    for place in (directory, *directory.parents):
        own = place / "pannier.toml"
        if own.is_file():
            return _anchored(parse_tool_table(_read_toml(own), where=str(own)), place)
        project = place / "pyproject.toml"
        if project.is_file():
            # Reading another tool's settings to the end costs more than looking whether ours are there.
            is_ours = b"pannier" in project.read_bytes()
            table = _read_toml(project).get("tool", {}).get("pannier") if is_ours else None
            if table is not None:
                return _anchored(parse_tool_table(table, where=f"{project} [tool.pannier]"), place)
    return {}


def _anchored(values: dict[str, Any], place: Path) -> dict[str, Any]:
    """Paths in a file are relative to the file, wherever the command is run."""
    for key in ("include", "find_links"):
        if key in values:
            values[key] = [item if "://" in item else str(place / item) for item in values[key]]
    if "cache_dir" in values:
        values["cache_dir"] = str(place / values["cache_dir"])
    return values


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(
            f"`{path}` is not valid TOML", code="settings-invalid", facts={"reason": str(error)}
        ) from None


def _environment_values(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, info in SETTINGS.items():
        variable = "PANNIER_" + key.upper().replace("-", "_")
        text = environ.get(variable, "")
        if text:
            values[key.replace("-", "_")] = _parse_variable(variable, text, info.kind)
    return values


def _parse_variable(variable: str, text: str, kind: Kind) -> object:
    if kind == "text":
        return text
    if kind == "list":
        return text.split()
    if kind == "flag" and text.lower() in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
        return text.lower() in {"1", "true", "yes", "on"}
    if kind == "table" and all("=" in item for item in text.split()):
        return dict(item.split("=", 1) for item in text.split())
    raise UsageError(
        f"`{variable}` cannot be `{text}`",
        code="settings-invalid",
        hint="write 1 or 0" if kind == "flag" else "write IMPORT=NAME, several with spaces between",
    )

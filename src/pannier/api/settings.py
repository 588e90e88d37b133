"""Settings: `pannier.toml` or `[tool.pannier]`, then `PANNIER_*`, then flags; one name in all three.

A setting `find-links` is the key `find-links` in a file, the variable `PANNIER_FIND_LINKS` and the flag
`--find-links`. A later source replaces an earlier one; lists are not merged.

What belongs to one verb stands in that verb's table: `tag-format` in `[release]` is the variable
`PANNIER_RELEASE_TAG_FORMAT` and the flag `--tag-format`. Tables that the user names have no flags: `url` in
`[index.particle]` is `PANNIER_INDEX_PARTICLE_URL`.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pannier.api.setting_names import NAMED_TABLES, SETTINGS, VERB_TABLES, Kind, SettingInfo, variable_name
from pannier.model.errors import SpecError, UsageError

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_EXPECTED = {"text": str, "flag": bool, "number": int, "list": list, "table": dict}
_WRITTEN = {
    "text": "a string",
    "flag": "true or false",
    "number": "a whole number",
    "list": "a list of strings",
}


class Settings(NamedTuple):
    """Every setting with its value; the names are those of `SETTINGS`.

    Attributes:
        tables: What verbs' own tables say: `release` to field name to value; only what was said.
        named: What a file says in tables that the user names: `index` to name to field name to value.
        environ: The environment variables that other tools' configuration is read from.
    """

    cache_dir: str = ""
    offline: bool = False
    index_url: str = ""
    extra_index_url: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    interpreter: str = ""
    python: str = ""
    platform: str = ""
    include: tuple[str, ...] = ()
    mapping: Mapping[str, str] = MappingProxyType({})
    prerelease: bool = False
    exclude_newer: str = ""
    ssh: str = "ssh"
    tables: Mapping[str, Mapping[str, Any]] = _NOTHING
    named: Mapping[str, Mapping[str, Mapping[str, Any]]] = _NOTHING
    environ: Mapping[str, str] = MappingProxyType({})

    @property
    def cache_root(self) -> Path:
        """The directory that everything kept lies under."""
        from pannier.store.directories import usable_cache_root

        return Path(self.cache_dir).absolute() if self.cache_dir else usable_cache_root(self.environ)

    def entry(self, table: str, name: str) -> Mapping[str, Any]:
        """What is said of a table that the user names, such as `index` and `particle`, by field name.

        Raises:
            UsageError: A variable holds what it cannot.
        """
        said = self.named.get(table, _NOTHING).get(name, _NOTHING)
        return {**said, **_environment_values(self.environ, NAMED_TABLES[table], table, name)}


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
    said = _file_values(directory)
    tables = {
        name: {**said.pop(name, {}), **_environment_values(environ, infos, name), **_said(flags, infos)}
        for name, infos in VERB_TABLES.items()
    }
    named = {name: said.pop(name) for name in NAMED_TABLES if name in said}
    values = {**said, **_environment_values(environ, SETTINGS), **_said(flags, SETTINGS)}
    tables = {name: _frozen(table) for name, table in tables.items() if table}
    return Settings(**_frozen(values), tables=tables, named=named, environ=dict(environ))


def _said(flags: Mapping[str, Any], infos: Mapping[str, SettingInfo]) -> dict[str, Any]:
    names = (name.replace("-", "_") for name in infos)
    return {name: flags[name] for name in names if flags.get(name) is not None}


def _frozen(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def parse_tool_table(table: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """Check a `[tool.pannier]` table and give its values by field name; those of tables in it in mappings.

    Args:
        table: The table as TOML gave it.
        where: The file, for messages.

    Raises:
        SpecError: A key is unknown, or its value of the wrong kind; all are named.
    """
    wrong: list[str] = []
    own = {key: value for key, value in table.items() if key not in VERB_TABLES and key not in NAMED_TABLES}
    values = _checked(own, SETTINGS, "", wrong)
    for name, infos in VERB_TABLES.items():
        if name in table:
            values[name] = _checked(table[name], infos, f"{name}.", wrong)
    for name, infos in NAMED_TABLES.items():
        if name in table:
            entries = table[name] if isinstance(table[name], dict) else {"NAME": None}
            values[name] = {
                entry: _checked(content, infos, f"{name}.{entry}.", wrong)
                for entry, content in entries.items()
            }
    if wrong:
        raise SpecError(
            f"`{where}` has settings that Pannier cannot use",
            code="settings-invalid",
            facts={"wrong": wrong, "known": ", ".join((*SETTINGS, *VERB_TABLES, *NAMED_TABLES))},
            hint="see docs/reference/settings.md",
        )
    return values


def _checked(
    table: object, infos: Mapping[str, SettingInfo], prefix: str, wrong: list[str]
) -> dict[str, Any]:
    """The values of one table by field name; what is wrong with it goes into `wrong`."""
    if not isinstance(table, dict):
        wrong.append(f"`{prefix.rstrip('.')}` must be a table")
        return {}
    values: dict[str, Any] = {}
    for key, value in table.items():
        info = infos.get(key)
        if info is None:
            wrong.append(f"`{prefix}{key}` is not a setting{_nearest(key, infos)}")
        elif info.is_secret:
            wrong.append(f"`{prefix}{key}` is a secret, and a file no place for it")
        elif not _is_of_kind(value, info.kind):
            wrong.append(f"`{prefix}{key}` must be {_WRITTEN.get(info.kind, 'a table of strings')}")
        else:
            values[key.replace("-", "_")] = value
    return values


def _nearest(key: str, infos: Mapping[str, SettingInfo]) -> str:
    """The words that name the setting which was perhaps meant."""
    import difflib

    found = difflib.get_close_matches(key, infos, n=1)
    return f": did you mean `{found[0]}`?" if found else ""


def _is_of_kind(value: object, kind: Kind) -> bool:
    is_flag = isinstance(value, bool)
    return isinstance(value, _EXPECTED[kind]) and is_flag == (kind == "flag") and _all_text(value)


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
    for verb, infos in VERB_TABLES.items():
        table = values.get(verb, {})
        for key in (name.replace("-", "_") for name, info in infos.items() if info.is_path):
            if isinstance(table.get(key), list):
                table[key] = [str(place / item) for item in table[key]]
            elif key in table:
                table[key] = str(place / table[key])
    return values


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(
            f"`{path}` is not valid TOML", code="settings-invalid", facts={"reason": str(error)}
        ) from None


def _environment_values(
    environ: Mapping[str, str], infos: Mapping[str, SettingInfo], *tables: str
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, info in infos.items():
        variable = variable_name(*tables, key)
        text = environ.get(variable, "")
        # With a path in it, it names the Python that launchers and installers of ours run with.
        if variable == "PANNIER_PYTHON" and "/" in text:
            continue
        if text:
            values[key.replace("-", "_")] = _parse_variable(variable, text, info.kind)
    return values


def _parse_variable(variable: str, text: str, kind: Kind) -> object:
    if kind == "text":
        return text
    if kind == "number" and text.isdecimal():
        return int(text)
    if kind == "list":
        return text.split()
    if kind == "flag" and text.lower() in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
        return text.lower() in {"1", "true", "yes", "on"}
    if kind == "table" and all("=" in item for item in text.split()):
        return dict(item.split("=", 1) for item in text.split())
    hints = {"flag": "write 1 or 0", "number": "write a whole number"}
    raise UsageError(
        f"`{variable}` cannot be `{text}`",
        code="settings-invalid",
        hint=hints.get(kind, "write IMPORT=NAME, several with spaces between"),
    )

"""`serve`: a private package index over directories of distributions."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pannier.api.settings import Settings
from pannier.model.errors import StorageError, UsageError

if TYPE_CHECKING:
    from pannier.server.settings import ServeSettings

_CHOICES = {
    "access_log": ("common", "json", "off"),
    "log_level": ("debug", "info", "warning", "error"),
}
_SIZES = {"upstream_file_limit": "0", "upstream_cache_size": "0", "max_size": "8G"}
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]?)(?:i?B)?", re.IGNORECASE)
_NAME_ONE = (
    "name one: `pannier serve packages/`, `-d packages/` after verbs such as `pannier serve yank`, "
    "or `directories` of `[serve]` in pannier.toml"
)
_RIGHTS = ("list", "download", "update", "remove")


def serve(settings: "ServeSettings", started: Callable[[str], None] = lambda _: None) -> None:
    """Serve the directories until the process is told to stop.

    Args:
        settings: What to serve, and how.
        started: Hears of the index's address, once it listens.

    Raises:
        UsageError: The address cannot be listened on.
        StorageError: The log file cannot be written.
    """
    from pannier.server.running import serve as run

    run(settings, started)


def serve_settings(directories: Sequence[str], settings: Settings) -> "ServeSettings":
    """What to serve and how, checked.

    Args:
        directories: The directories that the command line names; none for those of the settings.
        settings: The settings in force.

    Raises:
        UsageError: No directory is named, or settings have values that they cannot have; all are named.
        StorageError: A directory is not there.
    """
    from pannier.server.settings import ServeSettings

    values = dict(settings.tables.get("serve", {}))
    if directories:
        values["directories"] = directories
    for name in ("authenticate", "trusted_proxies"):
        if name in values:
            values[name] = _split(values[name])
    # The `.` of pypiserver's, which in a file has become the file's own directory.
    if values.get("htpasswd") and Path(values["htpasswd"]).is_dir():
        values["htpasswd"] = ""
    _check(values)
    for name, default in _SIZES.items():
        values[name] = parse_size(values.get(name, default))
    for name in ("htpasswd", "rights", "store", "log_file", "upstream_cache"):
        if values.get(name):
            values[name] = str(Path(values[name]).absolute())
    values["directories"] = _directories(values.get("directories", ()))
    return ServeSettings(**values)


def parse_size(text: str) -> int:
    """Read a size such as `500M` or `20 GiB`, in bytes; K is 1024.

    Raises:
        ValueError: It is none.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"`{text}` is no size: write it as 500M or 20G")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def _directories(names: Sequence[str]) -> tuple[Path, ...]:
    if not names:
        raise UsageError("there is no directory to serve", hint=_NAME_ONE)
    missing = [name for name in names if not Path(name).is_dir()]
    if missing:
        raise StorageError(
            "what should be served is no directory",
            code="no-such-file",
            facts={"wrong": [f"`{name}` is {_what_instead(name)}" for name in missing]},
            hint="name the directory that holds the wheels and sdists; `mkdir` makes an empty one",
        )
    return tuple(Path(name).absolute() for name in names)


def _what_instead(name: str) -> str:
    return "a file" if Path(name).exists() else "not there"


def _split(items: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for item in items for word in item.replace(",", " ").split() if word != ".")


def _check(values: Mapping[str, Any]) -> None:
    wrong = _problems(values)
    if wrong:
        raise UsageError(
            "the index cannot be served like this", code="settings-invalid", facts={"wrong": wrong}
        )


def _problems(values: Mapping[str, Any]) -> list[str]:
    from pannier.server.forwarding import parse_networks

    problems = []
    for name, choices in _CHOICES.items():
        if values.get(name, choices[0]) not in choices:
            problems.append(f"`{name.replace('_', '-')}` is {', '.join(choices)}, not `{values[name]}`")
    if not 0 <= values.get("port", 0) < 65536:
        problems.append(f"`port` is a number below 65536, not {values['port']}")
    if not 1 <= values.get("workers", 1) <= 256:
        problems.append(f"`workers` is a number from 1 to 256, not {values['workers']}")
    unknown = [word for word in values.get("authenticate", ()) if word not in _RIGHTS]
    if unknown:
        problems.append(f"`authenticate` knows {', '.join(_RIGHTS)}, not `{unknown[0]}`")
    problems.extend(_upstream_problems(values))
    try:
        parse_networks(values.get("trusted_proxies", ()))
    except ValueError as error:
        problems.append(f"`trusted-proxies`: {error}")
    return problems


def _upstream_problems(values: Mapping[str, Any]) -> Iterator[str]:
    from pannier.formats.distribution_names import is_project_name
    from pannier.store.upstream.address import parse_upstream

    for name, parse in (("upstream", parse_upstream), *((name, parse_size) for name in _SIZES)):
        try:
            if values.get(name):
                parse(values[name])
        except (UsageError, ValueError) as error:
            yield f"`{name.replace('_', '-')}`: {error}"
    for name in ("upstream_ttl", "upstream_timeout"):
        if values.get(name, 1) < 1:
            yield f"`{name.replace('_', '-')}` is at least 1 second, not {values[name]}"
    for name in values.get("reserve", ()):
        if not is_project_name(name.removesuffix("*").rstrip("-_.")):
            yield f"`reserve` takes names of projects, or the start of names with `*`, not `{name}`"

"""Every setting there is: its name, its kind and what it does. `settings` reads their values."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Kind = Literal["text", "flag", "number", "list", "table"]


class SettingInfo(NamedTuple):
    """What one setting is, for reading it and for the reference.

    Attributes:
        kind: `text`, `flag` (true or false), `number` (a whole one), `list` of texts, or `table` of texts.
        about: One sentence for people.
        is_secret: It is read from its variable only: a file that others see is no place for it.
    """

    kind: Kind
    about: str
    is_secret: bool = False


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

_RELEASE: dict[str, SettingInfo] = {
    "index": SettingInfo(
        "text", "The index to release to: an `[index.NAME]` of the settings, or a section of `.pypirc`."
    ),
    "pypirc": SettingInfo("text", "The `.pypirc` to read, instead of the one in the home directory."),
    "changelog": SettingInfo(
        "text", "The changelog, where it is not found by its name; `none` for no changelog."
    ),
    "tag-format": SettingInfo(
        "text", "The name of the tag, from `{version}` and `{name}`; `v{version}` by default."
    ),
    "push": SettingInfo("flag", "Push the tag to the remote that the branch tracks."),
    "strict": SettingInfo(
        "flag", "Refuse a missing README, as `twine check --strict` does; true by default."
    ),
    "allow-top-level": SettingInfo(
        "list", "Modules the wheel may install beside the project's, such as `tests`."
    ),
}
_INDEX: dict[str, SettingInfo] = {
    "url": SettingInfo("text", "Its Simple API, as `pip install --index-url` takes it."),
    "upload-url": SettingInfo(
        "text", "Where files are uploaded, as `twine upload --repository-url` takes it."
    ),
    "username": SettingInfo("text", "Who uploads."),
    "password": SettingInfo("text", "The password or token; else the keyring's, or netrc's.", is_secret=True),
}
# Of one verb: what it has of these stands in the table of its name.
VERB_TABLES: Mapping[str, Mapping[str, SettingInfo]] = {"release": _RELEASE}
# Of things that the user names: `[index.particle]`.
NAMED_TABLES: Mapping[str, Mapping[str, SettingInfo]] = {"index": _INDEX}


def variable_name(*names: str) -> str:
    """The environment variable of a setting: `PANNIER_RELEASE_TAG_FORMAT` of `release`, `tag-format`."""
    word = "_".join(("pannier", *names)).upper()
    return "".join(character if character.isalnum() and character.isascii() else "_" for character in word)

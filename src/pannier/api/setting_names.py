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
        is_path: One path or several, in a file relative to the file.
        metavar: What its value is called in help; empty for a setting that is no option, and for a flag.
        options: Its options, where they are not `--NAME` alone.
    """

    kind: Kind
    about: str
    is_secret: bool = False
    is_path: bool = False
    metavar: str = ""
    options: tuple[str, ...] = ()


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
    "ssh": SettingInfo(
        "text", "The command that reaches servers for `site push` and `site pull`; `ssh` by default."
    ),
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
# Each is a field of `server.settings.ServeSettings`; the options of `pannier serve` are made of these.
_SERVE: dict[str, SettingInfo] = {
    "directories": SettingInfo("list", "The directories to serve; uploads go to the first.", is_path=True),
    "host": SettingInfo(
        "text",
        "The address to listen on; 0.0.0.0 for those of every network.",
        metavar="ADDRESS",
        options=("-i", "-H", "--host", "--interface"),
    ),
    "port": SettingInfo(
        "number", "The port to listen on; 0 for any that is free.", metavar="PORT", options=("-p", "--port")
    ),
    "workers": SettingInfo("number", "How many processes answer.", metavar="N"),
    "htpasswd": SettingInfo(
        "text",
        "The password file of those who may publish; `.` for none.",
        is_path=True,
        metavar="FILE",
        options=("-P", "--htpasswd", "--passwords"),
    ),
    "authenticate": SettingInfo(
        "list",
        "What needs a password: list, download, update, remove, with commas between; `.` for nothing.",
        metavar="RIGHTS",
        options=("-a", "--authenticate"),
    ),
    "rights": SettingInfo(
        "text",
        "The file that says who may do what to which projects; without it, all who sign in may do all.",
        is_path=True,
        metavar="FILE",
    ),
    "max-size": SettingInfo(
        "text", "The most that an upload may have, such as 500M; 8G by default.", metavar="SIZE"
    ),
    "overwrite": SettingInfo(
        "flag", "Let an upload replace a file of the same name.", options=("-o", "--overwrite")
    ),
    "upstream": SettingInfo(
        "text", "The index to ask for what was never local, and to cache.", metavar="URL"
    ),
    "upstream-ttl": SettingInfo(
        "number",
        "How long one of its pages is fresh where it does not say: 600 by default.",
        metavar="SECONDS",
    ),
    "upstream-timeout": SettingInfo(
        "number", "How long it may send nothing before it counts as down: 20 by default.", metavar="SECONDS"
    ),
    "upstream-file-limit": SettingInfo(
        "text", "The largest file to fetch from it, such as 500M; any size by default.", metavar="SIZE"
    ),
    "upstream-cache": SettingInfo(
        "text",
        "Where to keep what it answered, instead of in .pannier/ beside the packages.",
        is_path=True,
        metavar="DIR",
    ),
    "upstream-cache-size": SettingInfo(
        "text",
        "How much to keep of it, such as 20G, the least used files going first; everything by default.",
        metavar="SIZE",
    ),
    "reserve": SettingInfo(
        "list",
        "A name that it is never asked for, as if it were local; `acme-*` is every name that starts so.",
        metavar="NAME",
    ),
    "prefix": SettingInfo(
        "text", "The path to serve under, such as /pypi, where no proxy takes it away.", metavar="PATH"
    ),
    "trusted-proxies": SettingInfo(
        "list",
        "Addresses or networks whose X-Forwarded-* fields are believed, with commas between.",
        metavar="PEERS",
    ),
    "store": SettingInfo(
        "text",
        "Where to remember what the files hold, instead of in .pannier/ beside them.",
        is_path=True,
        metavar="DIR",
    ),
    "access-log": SettingInfo("text", "How to log requests: common, json or off.", metavar="FORM"),
    "log-file": SettingInfo(
        "text", "Where to log to, instead of standard error.", is_path=True, metavar="FILE"
    ),
    "log-level": SettingInfo("text", "What else to log: debug, info, warning or error.", metavar="LEVEL"),
}
# What `pannier pack -o NAME.deb` and `NAME.rpm` say of the package.
_PACKAGE: dict[str, SettingInfo] = {
    "maintainer": SettingInfo(
        "text", "Who answers for a .deb or .rpm, as `Jane Doe <jane@example.org>`; else git's user."
    ),
    "version": SettingInfo("text", "The version of a .deb or .rpm, where what is packed states none."),
    "revision": SettingInfo("text", "The revision of a .deb or .rpm of that version; 1 by default."),
    "depends": SettingInfo("list", "More packages of the system that a .deb or .rpm needs."),
}
# Of one verb or thing: what it has of these stands in the table of its name.
VERB_TABLES: Mapping[str, Mapping[str, SettingInfo]] = {
    "package": _PACKAGE,
    "release": _RELEASE,
    "serve": _SERVE,
}
# Of things that the user names: `[index.particle]`.
NAMED_TABLES: Mapping[str, Mapping[str, SettingInfo]] = {"index": _INDEX}


def variable_name(*names: str) -> str:
    """The environment variable of a setting: `PANNIER_RELEASE_TAG_FORMAT` of `release`, `tag-format`."""
    word = "_".join(("pannier", *names)).upper()
    return "".join(character if character.isalnum() and character.isascii() else "_" for character in word)

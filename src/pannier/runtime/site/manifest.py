"""A bundle's manifest: `site.json` as values, checked as far as it can be without looking at the machine."""

import hashlib
import json
import re
from typing import Any, Callable, Dict, List, NamedTuple, Tuple, TypeVar

from pannier.runtime.errors import ArchiveError, printable

from .bookkeeping import broken

NAME = "site.json"
SIGNATURE_NAME = "site.json.sig"
FORMAT = "pannier-site"
VERSION = 1
INTERPRETER_KINDS = ("system", "path", "bundled")

_ENVIRONMENT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
_COMMAND_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\Z")
_PYTHON = re.compile(r"[23]\.\d+(\.\d+([abc]|rc)?\d*)?\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_WHEEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\.whl\Z")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+!/-]*\Z")

_Value = TypeVar("_Value")


class Interpreter(NamedTuple):
    """Which Python an environment is to run with.

    Attributes:
        kind: `system`, `path` or `bundled`.
        path: Of the executable on the server, for `path`.
        file: The member with its tree, for `bundled`.
        executable: Relative to that tree, for `bundled`.
    """

    kind: str
    path: str = ""
    file: str = ""
    executable: str = ""


class Environment(NamedTuple):
    """An environment that the bundle installs.

    Attributes:
        name: Of its directory, and of its interpreter in `bin`.
        python: The version it was locked for, `major.minor` or with the patch version.
        abi: The ABI tag of its compiled modules, as `cp27mu`.
        platform: What it was locked for, as `linux-x86_64-glibc2.17`.
        aliases: Further names of its interpreter.
        smoke: Lines of Python that must run in it.
        interpreter: Which Python.
        lock: The member with its lock.
        wheels: sha256 of each of its wheels.
    """

    name: str
    python: str
    abi: str
    platform: str
    aliases: Tuple[str, ...]
    smoke: Tuple[str, ...]
    interpreter: Interpreter
    lock: str
    wheels: Tuple[str, ...]

    @property
    def minor(self) -> str:
        """Its `major.minor` version."""
        return ".".join(self.python.split(".")[:2])

    @property
    def names(self) -> Tuple[str, ...]:
        """All names of its interpreter in `bin`."""
        return (self.name, *self.aliases)


class Wheel(NamedTuple):
    """A wheel of the bundle or, when it is not included, of the bundle it adds to.

    `member` is its name in the archive: `wheels/FILENAME`, or with a directory between for each of two
    wheels with one file name, which two builds of one sdist may have.
    """

    sha256: str
    filename: str
    size: int
    project: str
    version: str
    built: bool
    included: bool
    member: str


class File(NamedTuple):
    """A member of the archive."""

    name: str
    size: int
    sha256: str


class Manifest(NamedTuple):
    """What a bundle says of itself.

    Attributes:
        id: sha256 of the manifest without this field.
        tool: What made the bundle.
        name: Of the site.
        prefix: Where the environments go unless the command line says otherwise.
        bin: Where the interpreters' names go.
        environments: In the site's order.
        wheels: By sha256.
        files: All members but the manifest and its signature, in the archive's order.
        header_sha256: Of the shell header.
        since: The id of the bundle that this one adds to; empty when it is a full one.
        value: The document as JSON has it.
    """

    id: str
    tool: str
    name: str
    prefix: str
    bin: str
    environments: Tuple[Environment, ...]
    wheels: Dict[str, Wheel]
    files: Tuple[File, ...]
    header_sha256: str
    since: str
    value: Dict[str, Any]


def format_canonical(value: Dict[str, Any]) -> bytes:
    """Write a JSON document in its one form: keys sorted, ASCII, no white space, one newline at its end."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"


def compute_id(value: Dict[str, Any]) -> str:
    """Compute a manifest's id: the sha256 of its canonical form without the field `id`."""
    rest = {key: entry for key, entry in value.items() if key != "id"}
    return hashlib.sha256(format_canonical(rest)).hexdigest()


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ArchiveError: It is not one, not in its canonical form, of another version, or says what none may.
    """
    try:
        value = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise broken("this bundle is damaged: its manifest is not JSON", because=error) from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise broken("this is no bundle of a site", format=_shown(value))
    if value.get("version") != VERSION:
        raise ArchiveError(
            f"this bundle has format {_shown(value.get('version'))}, and this installer knows {VERSION}",
            "unknown-format",
            {"made by": _shown(value.get("tool"))},
            "use the installer inside the bundle: `sh BUNDLE install`",
        )
    if format_canonical(value) != data or compute_id(value) != value.get("id"):
        raise broken("this bundle is damaged: its manifest does not match its id", part=NAME)
    try:
        return _make_manifest(value)
    except (KeyError, TypeError, ValueError) as error:
        raise broken(
            "this bundle is damaged: its manifest cannot be read", part=NAME, because=repr(error)
        ) from None


def _shown(value: object) -> str:
    return printable(str(value))[:60]


def _make_manifest(value: Dict[str, Any]) -> Manifest:
    files = tuple(_list(value["files"], _make_file))
    places = {file.sha256: file.name for file in files if file.name.startswith("wheels/")}
    wheels = {
        _text(digest, _DIGEST): _make_wheel(digest, entry, places.get(digest, ""))
        for digest, entry in value["wheels"].items()
    }
    environments = tuple(_list(value["environments"], lambda entry: _make_environment(entry, wheels)))
    site = value["site"]
    manifest = Manifest(
        _text(value["id"], _DIGEST),
        _text(value["tool"]),
        _text(value["name"]),
        _directory(site["prefix"]),
        _directory(site["bin"]),
        environments,
        wheels,
        files,
        _text(value["header_sha256"], _DIGEST),
        "" if value.get("since") is None else _text(value["since"], _DIGEST),
        value,
    )
    _check_whole(manifest)
    return manifest


def _check_whole(manifest: Manifest) -> None:
    """Check that no name is there twice and nothing named is missing."""
    names = [name for environment in manifest.environments for name in environment.names]
    members = {file.name: file for file in manifest.files}
    if len(set(names)) != len(names) or len(members) != len(manifest.files):
        raise ValueError("a name is there twice")
    if {NAME, SIGNATURE_NAME} & set(members):
        raise ValueError("the manifest lists itself")
    for wheel in manifest.wheels.values():
        file = members.get(wheel.member)
        if wheel.included and (file is None or (file.sha256, file.size) != (wheel.sha256, wheel.size)):
            raise ValueError(wheel.member)
    for environment in manifest.environments:
        needed = [environment.lock, environment.interpreter.file]
        if any(name and name not in members for name in needed[:1]):
            raise ValueError(environment.lock)


def _make_environment(entry: Dict[str, Any], wheels: Dict[str, Wheel]) -> Environment:
    digests = tuple(_list(entry["wheels"], lambda digest: wheels[digest].sha256))
    return Environment(
        _text(entry["name"], _ENVIRONMENT_NAME),
        _text(entry["python"], _PYTHON),
        _text(entry["abi"]),
        _text(entry["platform"]),
        tuple(_list(entry["aliases"], lambda name: _text(name, _COMMAND_NAME))),
        tuple(_list(entry["smoke"], _text)),
        _make_interpreter(entry["interpreter"]),
        _text(entry["lock"], _FILE_NAME),
        digests,
    )


def _make_interpreter(entry: Dict[str, Any]) -> Interpreter:
    kind = _text(entry["kind"])
    if kind == "path":
        return Interpreter(kind, path=_directory(entry["path"]))
    if kind == "bundled":
        return Interpreter(kind, file=_relative(entry["file"]), executable=_relative(entry["executable"]))
    if kind != "system":
        raise ValueError(kind)
    return Interpreter(kind)


def _make_wheel(digest: str, entry: Dict[str, Any], place: str) -> Wheel:
    filename = _text(entry["filename"], _WHEEL_NAME)
    if place and place.rpartition("/")[2] != filename:
        raise ValueError(place)
    return Wheel(
        digest,
        filename,
        _size(entry["size"]),
        _text(entry["project"]),
        _text(entry["version"]),
        _flag(entry["built"]),
        _flag(entry["included"]),
        place or "wheels/" + filename,
    )


def _make_file(entry: Dict[str, Any]) -> File:
    return File(_relative(entry["name"]), _size(entry["size"]), _text(entry["sha256"], _DIGEST))


def _text(value: object, pattern: "re.Pattern[str]" = re.compile(r"[^\x00-\x1f\x7f]*\Z")) -> str:
    if not isinstance(value, str) or not pattern.match(value):
        raise ValueError(value)
    return value


def _relative(value: object) -> str:
    name = _text(value, _FILE_NAME)
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError(value)
    return name


def _directory(value: object) -> str:
    path = _text(value)
    if not path.startswith("/") or ".." in path.split("/"):
        raise ValueError(value)
    return path


def _size(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise ValueError(value)
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _list(value: object, make: Callable[[Any], _Value]) -> List[_Value]:
    if not isinstance(value, list):
        raise TypeError(value)
    return [make(entry) for entry in value]

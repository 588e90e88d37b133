"""What must be true before anything is touched; all that is wrong is said at once."""

import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from pannier.runtime.errors import ArchiveError, printable

from .bundle import Bundle, check_bytes
from .layout import Generation, Site, find_current, format_size, interpreter_key
from .manifest import Environment, Wheel
from .names import find_foreign
from .pool import has_entry, read_contents
from .pythons import Finder, Python
from .recovery import find_doubtful
from .signatures import check_signature, find_allowed_signers
from .wheels import WheelContent

_BLOCK = 4096
# Scripts, metadata and directories of an environment, beside what lies in the pool.
_ENVIRONMENT_BYTES = 1 << 22
# A path in a shell script, in the first line of scripts and in a configuration file.
_PLAIN_PATH = re.compile(r"/[^\x00-\x1f\x7f'\"\\$`]*\Z")


class Options(NamedTuple):
    """What the command line asks of an installation.

    Attributes:
        prefix: Instead of the bundle's; empty for that.
        bin: Instead of the bundle's; empty for that.
        pythons: Executables by minor version.
        allowed_signers: A file of trusted keys; empty for the site's or the machine's.
        require_signature: Refuse a bundle that no trusted key has signed.
        environments: Install only these, and keep the others as they are; empty for all.
        force: Replace names that something else has, and install again what is in force.
        timeout: Of a smoke test, in seconds.
    """

    prefix: str = ""
    bin: str = ""
    pythons: Dict[str, str] = {}  # noqa: RUF012  # never changed
    allowed_signers: str = ""
    require_signature: bool = False
    environments: Tuple[str, ...] = ()
    force: bool = False
    timeout: int = 300


class Plan(NamedTuple):
    """What an installation will do.

    Attributes:
        site: Where.
        bin: Where the names go.
        current: The generation in force.
        environments: Those of the bundle to install.
        kept: Those of the generation in force that stay as they are.
        pythons: The interpreter of each environment, but of those whose own comes in the bundle.
        wanted: Wheels to unpack, each with the minor version.
        contents: What they hold.
        size: Bytes needed, about.
        signed_by: Who signed the bundle; empty when it is not known.
        notes: What to tell the reader.
    """

    site: Site
    bin: str
    current: Optional[Generation]
    environments: Tuple[Environment, ...]
    kept: Tuple[Dict[str, Any], ...]
    pythons: Dict[str, Python]
    wanted: Tuple[Tuple[Wheel, str], ...]
    contents: Dict[str, WheelContent]
    size: int
    signed_by: str
    notes: Tuple[str, ...]

    @property
    def names(self) -> List[str]:
        """All names that will be in `bin`."""
        found = [name for environment in self.environments for name in environment.names]
        return found + [name for entry in self.kept for name in [entry["name"]] + entry["aliases"]]


def make_plan(bundle: Bundle, options: Options) -> Tuple[Plan, List[ArchiveError]]:
    """Look at bundle and machine, and say what to do and all that is in the way. Changes nothing."""
    manifest = bundle.manifest
    site = Site(os.path.abspath(options.prefix or manifest.prefix))
    directory = os.path.abspath(options.bin or manifest.bin)
    signed, untrusted = check_signature(
        bundle, find_allowed_signers(site, options.allowed_signers), options.require_signature
    )
    damage = check_bytes(bundle, whole=False)
    problems = ([untrusted] if untrusted else []) + damage
    problems += _check_paths(site, directory)
    current = find_current(site)
    environments, unknown = _choose(manifest.environments, options)
    kept = _kept(current, options)
    pythons, unsuited = _find_pythons(site, bundle, environments, options, current)
    wanted, missing = _find_wanted(site, bundle, environments, options.force)
    contents: Dict[str, WheelContent] = {}
    if not damage:
        wheels = {wheel.sha256: wheel for wheel, _ in wanted}
        contents, bad = read_contents(bundle, wheels.values())
        missing += bad
    size, files = _measure(bundle, wanted, contents, len(environments) + len(kept))
    problems += unknown + unsuited + missing + _check_room(site, size, files)
    notes = tuple(note for note in [signed.note, *_notes(environments, pythons)] if note)
    plan = Plan(
        site, directory, current, environments, kept, pythons, wanted, contents, size, signed.by, notes
    )
    if not options.force:
        problems += find_foreign(site, directory, plan.names)
    return plan, problems + _check_names(plan)


def _choose(
    environments: Tuple[Environment, ...], options: Options
) -> Tuple[Tuple[Environment, ...], List[ArchiveError]]:
    if not options.environments:
        return environments, []
    known = [environment.name for environment in environments]
    problems = [
        ArchiveError(
            f"the bundle has no environment `{printable(name)}`",
            "no-environment",
            {"it has": ", ".join(known)},
            "name one of these with --environment",
        )
        for name in options.environments
        if name not in known
    ]
    return tuple(one for one in environments if one.name in options.environments), problems


def _kept(current: Optional[Generation], options: Options) -> Tuple[Dict[str, Any], ...]:
    if current is None or not options.environments:
        return ()
    return tuple(entry for entry in current.environments if entry["name"] not in options.environments)


def _check_names(plan: Plan) -> List[ArchiveError]:
    twice = sorted({name for name in plan.names if plan.names.count(name) > 1})
    if not twice:
        return []
    facts = {"names": ", ".join(twice)}
    return [ArchiveError("two environments would have one name", "name-taken", facts, "install all of them")]


def _check_paths(site: Site, directory: str) -> List[ArchiveError]:
    """Check that both places are usable and may be written."""
    problems = []
    for what, path in (("prefix", site.prefix), ("bin", directory)):
        if not _PLAIN_PATH.match(path):
            facts = {what: printable(path)}
            problems.append(
                ArchiveError(
                    "this path cannot stand in a script", "bad-path", facts, f"choose another --{what}"
                )
            )
            continue
        parent = _existing_parent(path)
        if not os.path.isdir(parent) or not os.access(parent, os.W_OK | os.X_OK):
            problems.append(
                ArchiveError(
                    f"the {what} cannot be written",
                    "no-rights",
                    {what: printable(path), "checked": printable(parent)},
                    f"run this as root, or choose another place with --{what}",
                )
            )
        elif os.statvfs(parent).f_flag & getattr(os, "ST_NOEXEC", 0):
            facts = {what: printable(path), "because": "its file system is mounted with noexec"}
            problems.append(
                ArchiveError("nothing can be run there", "no-rights", facts, f"choose another --{what}")
            )
    if os.path.isdir(site.prefix) and os.listdir(site.prefix) and not os.path.isdir(site.state):
        facts = {"prefix": printable(site.prefix)}
        problems.append(
            ArchiveError(
                "the prefix holds other things", "prefix-taken", facts, "choose an empty place with --prefix"
            )
        )
    return problems


def _existing_parent(path: str) -> str:
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def _find_pythons(
    site: Site,
    bundle: Bundle,
    environments: Tuple[Environment, ...],
    options: Options,
    current: Optional[Generation],
) -> Tuple[Dict[str, Python], List[ArchiveError]]:
    preferred = [entry["found"]["executable"] for entry in current.environments] if current else []
    finder = Finder(options.pythons, preferred)
    pythons: Dict[str, Python] = {}
    problems = []
    for environment in environments:
        file = environment.interpreter.file
        if environment.interpreter.kind == "bundled" and environment.minor not in options.pythons:
            known = os.path.isdir(os.path.join(site.interpreters, interpreter_key(file)))
            if not known and file not in bundle.contents:
                problems.append(_lacking("an interpreter", file))
            continue
        try:
            pythons[environment.name] = finder.find(environment)
        except ArchiveError as error:
            problems.append(error)
    return pythons, problems


def _notes(environments: Tuple[Environment, ...], pythons: Dict[str, Python]) -> List[str]:
    return [
        f"{one.name} was locked for Python {one.python}, and runs with {pythons[one.name].version} here"
        for one in environments
        if one.name in pythons and one.python.count(".") > 1 and pythons[one.name].version != one.python
    ]


def _lacking(what: str, name: str, them: str = "it") -> ArchiveError:
    return ArchiveError(
        f"this bundle leaves out {what}, and this site does not have {them}",
        "not-in-pool",
        {"missing": name},
        "make the bundle anew with --since and this site's inventory, or carry the full one",
    )


def _find_wanted(
    site: Site, bundle: Bundle, environments: Tuple[Environment, ...], force: bool
) -> Tuple[Tuple[Tuple[Wheel, str], ...], List[ArchiveError]]:
    """Find the wheels that must be unpacked, and those that are nowhere."""
    wanted: Dict[Tuple[str, str], Tuple[Wheel, str]] = {}
    missing = []
    doubtful = find_doubtful(site)
    for environment in environments:
        for sha256 in environment.wheels:
            wheel, minor = bundle.manifest.wheels[sha256], environment.minor
            is_there = (
                has_entry(site, sha256, minor)
                and os.path.basename(site.pooled(sha256, minor)) not in doubtful
            )
            # One that was sent to this very server has left out what it has.
            if wheel.member in bundle.contents and wheel.included and (force or not is_there):
                wanted[sha256, minor] = (wheel, minor)
            elif not is_there:
                missing.append(wheel.filename)
    return tuple(wanted.values()), [_lacking_wheels(missing)] if missing else []


def _lacking_wheels(names: List[str]) -> ArchiveError:
    names = sorted(set(names))
    if len(names) == 1:
        return _lacking("a wheel", names[0])
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} others" if len(names) > 3 else "")
    return _lacking(f"{len(names)} wheels", shown, "them")


def _measure(
    bundle: Bundle,
    wanted: Tuple[Tuple[Wheel, str], ...],
    contents: Dict[str, WheelContent],
    environments: int,
) -> Tuple[int, int]:
    """About how many bytes and files will be written: byte code is about as long as its source."""
    size, files = environments * _ENVIRONMENT_BYTES, environments * 1000
    for file in bundle.manifest.files:
        if file.name.startswith("interpreters/"):
            size += file.size * 4
            files += 10000
    for wheel, _ in wanted:
        for item in contents[wheel.sha256].items if wheel.sha256 in contents else ():
            copies = 2 if item.place.endswith(".py") else 1
            size += copies * (item.size + _BLOCK)
            files += copies
    return size, files


def _check_room(site: Site, size: int, files: int) -> List[ArchiveError]:
    room = os.statvfs(_existing_parent(site.prefix))
    problems = []
    hint = "free some space; `site clean` removes old generations"
    free = room.f_bavail * room.f_frsize
    if free < size:
        facts = {"prefix": site.prefix, "needed": format_size(size), "free": format_size(free)}
        problems.append(ArchiveError("there is not enough space on the disk", "disk-full", facts, hint))
    # Some file systems count no files, and say that there is room for none.
    if room.f_files and room.f_favail < files:
        facts = {"prefix": site.prefix, "needed": f"{files} files", "free": str(room.f_favail)}
        problems.append(ArchiveError("there is no room for so many files", "disk-full", facts, hint))
    return problems

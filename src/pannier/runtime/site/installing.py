"""Installing a bundle: beside what is in force, tested there, then put in force by one rename."""

import json
import os
import tarfile
from functools import partial
from typing import Any, Callable, Dict, List, Sequence, Tuple

from pannier.runtime.errors import ArchiveError, printable
from pannier.runtime.workers import Link, count_workers, run_jobs

from .bundle import Bundle
from .checks import Options, Plan
from .environments import add_entries, begin_environment, share_out
from .installer import install_installer
from .layout import (
    Generation,
    Site,
    find_current,
    find_user,
    format_time,
    interpreter_key,
    list_numbers,
    locked,
    switch,
    write_generation,
    write_log,
    write_text,
)
from .listing import LISTING_NAME, Listing, Made, format_listing, list_tree, made_of_data
from .manifest import Environment
from .names import add_names, is_ours, remove_names
from .pool import Entry, Wanted, fill_pool, read_entry, storage_error
from .pythons import Finder, Python
from .recovery import recover
from .scripts import format_wrapper
from .smoke import run_tests
from .syncing import sync, written_back

Say = Callable[[str], None]


class FailedError(Exception):
    """Several things are wrong at once."""

    def __init__(self, problems: List[ArchiveError]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def install(bundle: Bundle, plan: Plan, options: Options, say: Say) -> Generation:
    """Install what a plan says; what is in force stays so until everything else is done.

    Raises:
        ArchiveError: It cannot be done. Nothing has changed.
        FailedError: Smoke tests failed. Nothing has changed.
    """
    site = plan.site
    # Root installs for everybody, whatever root's own files are like.
    before = os.umask(0o022) if os.getuid() == 0 else -1
    try:
        for directory in (site.pool, site.interpreters, site.generations, site.installers):
            os.makedirs(directory, exist_ok=True)
        with locked(site):
            recover(site)
            _check_unchanged(plan)
            try:
                generation = _build(bundle, plan, options, say)
            except BaseException as error:
                _undo(site, error)
                raise
            remove_names(site, plan.bin, generation.names)
            if plan.current is not None and plan.current.value["bin"] != plan.bin:
                remove_names(site, plan.current.value["bin"])
            _log(plan, generation)
            os.unlink(site.journal)
            return generation
    except OSError as error:
        raise storage_error(error, site.prefix) from error
    finally:
        if before >= 0:
            os.umask(before)


def _check_unchanged(plan: Plan) -> None:
    """Check that nobody changed the site since the plan was made."""
    current = find_current(plan.site)
    if (current.number if current else 0) != (plan.current.number if plan.current else 0):
        raise ArchiveError(
            "the site was changed by another process",
            "site-busy",
            {"prefix": plan.site.prefix},
            "run this again",
        )


def _undo(site: Site, error: BaseException) -> None:
    recover(site)
    problems = error.problems if isinstance(error, FailedError) else [error]
    said = [printable(getattr(problem, "message", "") or repr(problem)) for problem in problems]
    try:
        write_log(site, "install failed", because=said)
    except OSError:
        # The disk is full, of which the reader is about to hear.
        return


def _log(plan: Plan, generation: Generation) -> None:
    write_log(
        plan.site,
        "install",
        generation=generation.number,
        before=plan.current.number if plan.current else None,
        id=generation.value["id"],
        name=generation.value["name"],
        signed_by=plan.signed_by or None,
    )


def _build(bundle: Bundle, plan: Plan, options: Options, say: Say) -> Generation:
    """Do everything up to the switch, and that."""
    site = plan.site
    number = max(list_numbers(site), default=0) + 1
    journal = {
        "generation": number,
        "bin": plan.bin,
        "pool": ["{}-py{}".format(wheel.sha256, minor.replace(".", "")) for wheel, minor in plan.wanted],
    }
    write_text(site.journal, json.dumps(journal) + "\n")
    pythons = dict(plan.pythons)
    for environment in plan.environments:
        if environment.name not in pythons:
            pythons[environment.name] = _bundled_python(site, bundle, environment)
    minors = {environment.minor: pythons[environment.name] for environment in plan.environments}
    wanted = [Wanted(wheel, minors[minor], plan.contents[wheel.sha256]) for wheel, minor in plan.wanted]
    with written_back(site.prefix):
        say(f"unpacking and compiling {len(wanted)} wheels")
        fill_pool(site, bundle, wanted)
        generation = _describe(bundle, plan, pythons, number)
        say("building " + ", ".join(entry["name"] for entry in generation.environments))
        made = _build_environments(site, generation)
        directories = {_directory(site, generation, entry): entry for entry in generation.environments}
        say("running smoke tests")
        problems = run_tests(directories, options.timeout)
        if problems:
            raise FailedError(problems)
        made.update(_write_wrappers(site, generation))
        write_text(os.path.join(site.generation(number), LISTING_NAME), format_listing(made))
        install_installer(site, bundle)
    sync(site.prefix)
    write_generation(site, generation)
    add_names(site, plan.bin, generation.names)
    switch(site, number)
    return generation


def _directory(site: Site, generation: Generation, entry: Dict[str, Any]) -> str:
    return os.path.join(site.generation(generation.number), entry["name"])


def _describe(bundle: Bundle, plan: Plan, pythons: Dict[str, Python], number: int) -> Generation:
    """What the new generation says of itself: the bundle's environments, and those that stay."""
    manifest = bundle.manifest
    described = {entry["name"]: entry for entry in manifest.value["environments"]}
    entries: List[Dict[str, Any]] = []
    for environment in plan.environments:
        entry = dict(described[environment.name])
        entry["found"] = dict(pythons[environment.name]._asdict())
        entries.append(entry)
    entries += [dict(entry) for entry in plan.kept]
    wheels = dict(plan.current.value["wheels"]) if plan.current and plan.kept else {}
    wheels.update(manifest.value["wheels"])
    used = {sha256 for entry in entries for sha256 in entry["wheels"]}
    return Generation(
        number,
        {
            "format": "pannier-site-generation",
            "version": 1,
            "id": manifest.id,
            "name": manifest.name,
            "tool": manifest.tool,
            "time": format_time(),
            "user": find_user(),
            "signed_by": plan.signed_by,
            "bin": plan.bin,
            "environments": entries,
            "wheels": {sha256: wheels[sha256] for sha256 in sorted(used)},
        },
    )


def _build_environments(site: Site, generation: Generation) -> Listing:
    """Build all of them; return what was made for each alone, by its path in the generation."""
    entries = generation.environments
    pythons = [Python(**entry["found"]) for entry in entries]
    directories = [_directory(site, generation, entry) for entry in entries]
    os.makedirs(os.path.join(site.generation(generation.number), "bin"))
    # The interpreter is there before any wheel: none may write through its links.
    made = _side_by_side(
        site,
        entries,
        [(index, partial(begin_environment, *pair)) for index, pair in enumerate(zip(directories, pythons))],
    )
    jobs: List[Tuple[int, List[Entry]]] = []
    for index, entry in enumerate(entries):
        minor = pythons[index].minor
        parts, paths = share_out([read_entry(site, sha256, minor) for sha256 in entry["wheels"]], minor)
        jobs += [(index, part) for part in parts]
        for path in paths:
            made.pop(entry["name"] + "/" + path, None)
    jobs.sort(key=lambda job: -sum(len(entry.files) for entry in job[1]))
    made.update(
        _side_by_side(
            site,
            entries,
            [(index, partial(add_entries, directories[index], pythons[index], part)) for index, part in jobs],
        )
    )
    return made


def _side_by_side(
    site: Site, entries: List[Dict[str, Any]], jobs: Sequence[Tuple[int, Callable[[], Listing]]]
) -> Listing:
    """Work on environments on all processors; return what was made, by its path in the generation."""

    def make(number: int) -> List[Link]:
        index, job = jobs[number]
        try:
            made = job()
        except OSError as error:
            raise storage_error(error, site.prefix) from None
        return [(entries[index]["name"] + "/" + path, json.dumps(one)) for path, one in made.items()]

    workers = min(count_workers(), len(jobs))
    results = run_jobs(make, len(jobs), workers, site.prefix, follow_parent=False)
    return {path: Made(*json.loads(text)) for result in results for path, text in result}


def _write_wrappers(site: Site, generation: Generation) -> Listing:
    made: Listing = {}
    directory = os.path.join(site.generation(generation.number), "bin")
    for entry in generation.environments:
        text = format_wrapper(os.path.join(_directory(site, generation, entry), "bin", "python"))
        for name in [entry["name"]] + entry["aliases"]:
            write_text(os.path.join(directory, name), text, 0o755)
            made["bin/" + name] = made_of_data(text.encode(), executable=True)
    return made


def _bundled_python(site: Site, bundle: Bundle, environment: Environment) -> Python:
    """Unpack the interpreter of an environment, unless it is there already, and look at it."""
    interpreter = environment.interpreter
    key = interpreter_key(interpreter.file)
    directory = os.path.join(site.interpreters, key)
    if not os.path.isdir(directory):
        stage = os.path.join(site.interpreters, ".new-" + key)
        _unpack_interpreter(bundle, interpreter.file, stage)
        write_text(os.path.join(stage, LISTING_NAME), format_listing(list_tree(stage)))
        sync(stage)
        os.rename(stage, directory)
    return Finder({}).find(environment, os.path.join(directory, interpreter.executable))


def _unpack_interpreter(bundle: Bundle, name: str, stage: str) -> None:
    offset, size = bundle.contents[name]
    with open(bundle.path, "rb") as stream:
        stream.seek(offset)
        with tarfile.open(fileobj=stream, mode="r|gz") as archive:
            for member in archive:
                _check_member(member, name)
                # The archive's own modes, but nothing that gives others rights; never its owner.
                member.mode = 0o755 if member.mode & 0o100 or member.isdir() else 0o644
                member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
                archive.extract(member, stage, set_attrs=True)
    if size and not os.path.isdir(stage):
        raise ArchiveError("the bundled interpreter is empty", "corrupt-bundle", {"file": name})


def _check_member(member: tarfile.TarInfo, archive: str) -> None:
    parts = member.name.split("/")
    is_plain = member.isreg() or member.isdir() or member.issym() or member.islnk()
    target = member.linkname
    if member.issym():
        target = os.path.normpath(os.path.join(os.path.dirname(member.name), target))
    leads_out = member.name.startswith("/") or ".." in parts or target.startswith(("/", ".."))
    if not is_plain or leads_out:
        facts = {"file": archive, "member": printable(member.name)}
        raise ArchiveError("an interpreter's archive holds what it may not", "hostile-bundle", facts)


def is_in_force(bundle: Bundle, plan: Plan) -> bool:
    """Whether installing would change nothing: the very bundle is in force, with the same interpreters."""
    current = plan.current
    if current is None or current.value["id"] != bundle.manifest.id or current.value["bin"] != plan.bin:
        return False
    if any(not is_ours(plan.site, plan.bin, name) for name in plan.names) or os.path.exists(
        plan.site.journal
    ):
        return False
    found = {entry["name"]: entry["found"] for entry in current.environments}
    return set(found) == {entry.name for entry in bundle.manifest.environments} and all(
        found[name] == dict(python._asdict()) for name, python in plan.pythons.items()
    )


def summarize(bundle: Bundle, plan: Plan) -> Dict[str, Any]:
    """What an installation would do, for a dry run and for what is said before it begins."""
    environments: List[Tuple[Environment, str]] = [
        (one, plan.pythons[one.name].executable if one.name in plan.pythons else "in the bundle")
        for one in plan.environments
    ]
    return {
        "prefix": plan.site.prefix,
        "bin": plan.bin,
        "id": bundle.manifest.id,
        "name": bundle.manifest.name,
        "signed_by": plan.signed_by or None,
        "in_force": plan.current.number if plan.current else None,
        "environments": [
            {"name": one.name, "python": one.python, "interpreter": python, "wheels": len(one.wheels)}
            for one, python in environments
        ],
        "kept": [entry["name"] for entry in plan.kept],
        "unpacked": len(plan.wanted),
        "bytes": plan.size,
        "notes": list(plan.notes),
    }


__all__ = ["FailedError", "install", "summarize"]

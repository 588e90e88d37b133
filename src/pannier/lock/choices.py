"""Options of a requirements file: told to the engine that resolves, and held against what it chose."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pannier.formats.requirements_text import expand_variables
from pannier.lock.engine import ResolveOptions
from pannier.model.errors import LockError
from pannier.model.lock import Lock, LockedProject
from pannier.model.names import normalized_name
from pannier.model.spec import Spec
from pannier.store.index_settings import IndexSettings

_KINDS = ("no-binary", "only-binary")


def with_variables(spec: Spec, environ: Mapping[str, str]) -> Spec:
    """Put values in the place of `${NAME}`, where a requirements file has variables."""

    def expanded(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((option, expand_variables(value, environ)) for option, value in pairs)

    return spec._replace(
        requirements=tuple(expand_variables(line, environ) for line in spec.requirements),
        constraints=tuple(expand_variables(line, environ) for line in spec.constraints),
        indexes=expanded(spec.indexes),
        choices=expanded(spec.choices),
    )


def with_choices(options: ResolveOptions, spec: Spec) -> ResolveOptions:
    """Add what a requirements file says of indexes, bounds and pre-releases to what the user said.

    Args:
        options: What the user said.
        spec: With its variables replaced.
    """
    return replace(
        options,
        indexes=_with_indexes(options.indexes, spec),
        constraints=(*spec.constraints, *options.constraints),
        prereleases=options.prereleases or ("pre", "") in spec.choices,
    )


def credential_urls(spec: Spec, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The URLs of a requirements file that carry a user's name, which a lock does not keep."""
    whole = with_variables(spec, environ)
    urls = [value for _, value in whole.indexes]
    urls += [line.partition("@")[2].strip() for line in whole.requirements if "://" in line]
    return tuple(url for url in urls if "@" in url.partition("://")[2].partition("/")[0])


def choice_lines(spec: Spec) -> list[str]:
    """The lines of a requirements file that say which kinds of distributions may be chosen."""
    return [f"--{option} {value}" for option, value in spec.choices if option in _KINDS]


def keep_kinds(lock: Lock, spec: Spec) -> Lock:
    """Keep of each project only the kinds of files that the spec allows.

    Raises:
        LockError: Projects are left without a file.
    """
    no_binary, only_binary = (_projects(spec, kind) for kind in _KINDS)
    if not (no_binary or only_binary):
        return lock
    projects = [_keep(project, no_binary, only_binary) for project in lock.projects]
    bare = [one for one in projects if not (one.wheels or one.sdist or one.directory)]
    if bare:
        raise LockError(
            "`--no-binary` and `--only-binary` leave no file of some projects",
            code="kinds-refuse-all",
            facts={"projects": [f"`{project.name}` {project.version}" for project in bare]},
            hint="take these projects out of the options, or choose versions that have such a file",
        )
    return replace(lock, projects=tuple(projects))


def _keep(project: LockedProject, no_binary: set[str], only_binary: set[str]) -> LockedProject:
    if project.name in no_binary or (":all:" in no_binary and project.name not in only_binary):
        return replace(project, wheels=())
    if project.name in only_binary or ":all:" in only_binary:
        return replace(project, sdist=None)
    return project


def _projects(spec: Spec, kind: str) -> set[str]:
    """The projects that an option names, as pip reads them: `:none:` takes back what stands before it."""
    found: set[str] = set()
    for option, value in spec.choices:
        for name in value.split(",") if option == kind else ():
            if name.strip() == ":none:":
                found.clear()
            elif name.strip():
                found.add(":all:" if name.strip() == ":all:" else normalized_name(name.strip()))
    return found


def _with_indexes(indexes: IndexSettings, spec: Spec) -> IndexSettings:
    """Add the indexes that a requirements file names to those of the user's configuration."""
    named: dict[str, tuple[str, ...]] = {}
    for option, value in (*spec.indexes, *spec.choices):
        named[option] = (*named.get(option, ()), value)
    find_links = tuple(
        link if "://" in link else str(Path(link).absolute()) for link in named.get("find-links", ())
    )
    return replace(
        indexes,
        index_url=(*named.get("index-url", ()), indexes.index_url)[0],
        extra_index_urls=(*indexes.extra_index_urls, *named.get("extra-index-url", ())),
        find_links=(*indexes.find_links, *find_links),
        no_index=indexes.no_index or "no-index" in named,
        trusted_hosts=(*indexes.trusted_hosts, *named.get("trusted-host", ())),
    )

"""What an environment is locked from, and whether its lock still is the lock of that."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pannier.formats.pylock import format_lock
from pannier.lock.choices import credential_urls
from pannier.model.lock import Lock
from pannier.model.site import Site, SiteEnvironment
from pannier.model.spec import Spec
from pannier.model.target import Target, whole_python_version
from pannier.site.reading import read_previous, read_specs
from pannier.site.sources import Source, SourceReader, changed_sources, portable_path
from pannier.site.tools import SiteTools

_FORMAT = 1


class Inputs(NamedTuple):
    """One environment before it is locked.

    Attributes:
        environment: What site.toml says.
        spec: What its requirements files ask for.
        target: What it is locked for.
        previous: The lock that is there; `None` for none.
        manner: Settings and indexes that change what is chosen.
        sources: What it asks for of this machine, by its path.
        directory: Where site.toml is, and the locks are.
    """

    environment: SiteEnvironment
    spec: Spec
    target: Target
    previous: Lock | None
    manner: tuple[str, ...]
    sources: tuple[Source, ...] = ()
    directory: Path = Path()

    @property
    def is_current(self) -> bool:
        """Whether the lock that is there was made from exactly this, and nobody has changed it since."""
        return self.previous is not None and self.previous.inputs == self.seal(self.previous)

    @property
    def staleness(self) -> str:
        """Why the lock that is there does not count, in a few words; empty where it does."""
        if self.previous is None:
            return "there is no lock yet"
        if self.is_current:
            return ""
        if self.previous.targets != (self.target,):
            return f"locked for {self.previous.targets[0]}, and asked for is {self.target}"
        if changed := [f"`{name}`" for name in changed_sources(self.previous, self.sources)]:
            return f"the source of {', '.join(changed)} has changed since"
        return "its requirements have changed since, or the lock itself"

    def seal(self, lock: Lock) -> str:
        """Give the digest over what is asked for and what was chosen."""
        spec = self.spec
        asked: list[object] = [
            _FORMAT, sorted(spec.requirements), sorted(spec.constraints), spec.hashes, str(self.target),
            self.manner,
        ]  # fmt: skip
        if self.sources:
            asked.append([source.asked(self.directory) for source in self.sources])
        digest = hashlib.sha256(json.dumps(asked).encode())
        digest.update(self.format(replace(lock, inputs="")).encode())
        return digest.hexdigest()

    def format(self, lock: Lock) -> str:
        """Write a lock as it stands beside site.toml, with paths that hold from there."""
        return format_lock(lock, lambda path: portable_path(path, self.directory))


def read_inputs(site: Site, directory: Path, tools: SiteTools) -> tuple[Inputs, ...]:
    """Read everything that the locks of a site follow from.

    Args:
        site: The site, or a part of it.
        directory: Where its site.toml is.
        tools: The Pythons here, and settings.

    Raises:
        SpecError: Requirements are not valid.
        LockError: A lock that is there is not valid.
    """
    specs = read_specs(site, directory, tools.environ)
    reader = SourceReader(tools.made)
    found = []
    for environment in site.environments:
        previous = read_previous(environment, directory)
        target = choose_target(environment, previous, tools)
        spec = specs[environment.name]
        manner = ("prereleases" if tools.prereleases else "", tools.exclude_newer, *_options(spec, directory))
        sources = reader.sources(spec, target)
        found.append(Inputs(environment, spec, target, previous, manner, sources, directory))
    return tuple(found)


def with_credentials(tools: SiteTools, inputs: Sequence[Inputs]) -> SiteTools:
    """Let files be fetched with the credentials that requirements have in their URLs."""
    urls = [url for one in inputs for url in credential_urls(one.spec, tools.environ)]
    return tools._replace(indexes=tools.indexes.with_credentials(tuple(dict.fromkeys(urls))))


def _options(spec: Spec, directory: Path) -> list[str]:
    """The options that requirements have, the same from whatever directory they are read."""
    indexes = [
        f"{option} {value if '://' in value or '${' in value else os.path.relpath(value, directory)}"
        for option, value in spec.indexes
    ]
    return indexes + [f"{option} {value}" for option, value in spec.choices]


def choose_target(environment: SiteEnvironment, previous: Lock | None, tools: SiteTools) -> Target:
    """Say what an environment is locked for.

    What site.toml leaves open stays as the lock has it, on whatever machine that was made; only then this
    machine decides.
    """
    held = previous.targets[0] if previous else None
    platform = environment.platform or (held.platform if held else tools.platform)
    if environment.python.count(".") == 2:
        return Target(python_version=environment.python, platform=platform)
    if held and held.python_minor == environment.python:
        return Target(python_version=held.python_version, platform=platform)
    here = [item.version for item in tools.interpreters if item.target.python_minor == environment.python]
    return Target(
        python_version=here[0] if here else whole_python_version(environment.python), platform=platform
    )

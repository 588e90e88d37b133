"""What resolves for one target, and what it is told: uv, and pip for the Pythons uv has left behind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pannier.model.events import Reporter
from pannier.model.interpreter import Interpreter
from pannier.model.lock import Lock
from pannier.model.spec import Spec
from pannier.model.target import Target
from pannier.store.directories import CacheDirectories
from pannier.store.index_settings import IndexSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolveOptions:
    """How to resolve.

    Attributes:
        directories: The cache; what uv learns stays there and lets a lock be made offline.
        indexes: Which indexes to ask.
        offline: Ask no network.
        prereleases: Let pre-releases be chosen for every project.
        constraints: PEP 508 requirements that bound versions without asking for anything.
        exclude_newer: Ignore what was uploaded after this date (`2026-01-31`, RFC 3339); empty for no bound.
        prefer: Keep the versions of this lock wherever they still satisfy.
        interpreters: Pythons that sdists may be built with to learn what they need. Where none fits the
            target's minor version and machine, only wheels are considered.
        environ: Environment variables; `None` for the process's own.
    """

    directories: CacheDirectories
    indexes: IndexSettings = field(default_factory=IndexSettings)
    offline: bool = False
    prereleases: bool = False
    constraints: tuple[str, ...] = ()
    exclude_newer: str = ""
    prefer: Lock | None = None
    interpreters: tuple[Interpreter, ...] = ()
    environ: Mapping[str, str] | None = None


class Engine(Protocol):
    """Resolves a spec for one target, which it was chosen for.

    Raises:
        PannierError: As `resolve` does.
    """

    def __call__(self, spec: Spec, target: Target, options: ResolveOptions, reporter: Reporter, /) -> Lock:
        """Give what the target needs, with the indexes and constraints that the options name."""


def can_build(interpreter: Interpreter, target: Target) -> bool:
    """Say whether what this interpreter builds runs on the target."""
    own = interpreter.target
    same_machine = (own.platform.architecture, own.platform.libc_family) == (
        target.platform.architecture,
        target.platform.libc_family,
    )
    return own.python_minor == target.python_minor and same_machine


def find_builder(target: Target, options: ResolveOptions) -> Interpreter | None:
    """Find a Python whose builds say the truth about the target."""
    return next((item for item in options.interpreters if can_build(item, target)), None)


def project_name(line: str) -> str:
    """Give the normalized name of the project that a requirement asks for; empty for what is none."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        return canonicalize_name(Requirement(line).name)
    except InvalidRequirement:
        return ""

"""`pack`: a program, project, spec or lock becomes one file."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from pannier.api.lock import resolve_needs
from pannier.api.needs import Needs, analysis_of, needs_of, script_tool
from pannier.api.programs import ProgramFiles, command_name, program_files
from pannier.api.settings import Settings
from pannier.api.subjects import Subject, find_subject, read_lock
from pannier.api.workshop import Workshop
from pannier.model.errors import LockError
from pannier.model.events import Reporter, SilentReporter
from pannier.model.lock import Lock
from pannier.model.manifest import Manifest
from pannier.model.spec import DataSource, LocalProject


@dataclass(frozen=True, kw_only=True, slots=True)
class PackOptions:
    """What to make of a subject.

    Attributes:
        output: The pack; its ending says the codec.
        interpreter: `auto`, a path, a version, `standalone` or `none`.
        python: Version to pack for; empty for what the subject asks for.
        platform: Platform to pack for; empty for this machine's.
        includes: Data to carry with the program.
        name: Name of the pack and its program's command; empty for the subject's.
        program: Command that runs when none is given; `None` for the subject's own.
        lock: Lockfile to take versions from instead of resolving; `None` to resolve.
    """

    output: Path
    interpreter: str = "auto"
    python: str = ""
    platform: str = ""
    includes: tuple[str, ...] = ()
    name: str = ""
    program: str | None = None
    lock: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PackResult:
    """The pack that was written.

    Attributes:
        manifest: What is in it.
        path: Where it is.
        size: In bytes.
        seconds: How long it took.
        reused_layers: How many layers came from the cache.
    """

    manifest: Manifest
    path: Path
    size: int
    seconds: float
    reused_layers: int

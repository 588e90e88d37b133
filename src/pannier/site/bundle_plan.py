"""What a bundle is to hold, before anything is written."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from pannier.formats.bundled_locks import BundledWheel
from pannier.formats.licences import Licence
from pannier.model.site import LockedWheel
from pannier.model.target import Target


class PlannedInterpreter(NamedTuple):
    """An interpreter that travels in the bundle.

    Attributes:
        source: The `tar.gz` in the cache.
        sha256: Hex digest of it.
        size: In bytes.
        executable: Path of the Python in it.
        machine: What `uname -m` prints where it runs.
        version: Its whole version.
    """

    source: Path
    sha256: str
    size: int
    executable: str
    machine: str
    version: str

    @property
    def member(self) -> str:
        """Its path in the bundle."""
        return f"interpreters/{self.sha256}.tar.gz"


class PlannedEnvironment(NamedTuple):
    """An environment of the site.

    Attributes:
        name: Its name, and that of its interpreter's command.
        target: The Python and platform it is locked for.
        wheels: What it consists of.
        aliases: Further names of its interpreter.
        smoke: Lines of Python that must run in it.
        interpreter: What travels; a path on the server; or `None` for what is found there.
    """

    name: str
    target: Target
    wheels: tuple[LockedWheel, ...]
    aliases: tuple[str, ...] = ()
    smoke: tuple[str, ...] = ()
    interpreter: PlannedInterpreter | str | None = None


class BundlePlan(NamedTuple):
    """Everything that decides the bytes of a bundle.

    Attributes:
        name: What the site is called.
        prefix: Where its environments live on the server.
        bin: Where their interpreters' names go.
        environments: In the site's order.
        since: The id of what the server has; empty for nothing.
        left_wheels: sha256 of wheels that the server has for every Python that needs them.
        left_interpreters: sha256 of interpreters that it has.
    """

    name: str
    prefix: str
    bin: str
    environments: tuple[PlannedEnvironment, ...]
    since: str = ""
    left_wheels: frozenset[str] = frozenset()
    left_interpreters: frozenset[str] = frozenset()

    def wheels(self) -> tuple[LockedWheel, ...]:
        """Each wheel once, sorted by name."""
        every = {wheel.sha256: wheel for environment in self.environments for wheel in environment.wheels}
        return tuple(sorted(every.values(), key=lambda wheel: (wheel.filename, wheel.sha256)))

    def interpreters(self) -> tuple[PlannedInterpreter, ...]:
        """Each interpreter that travels once, the newest first."""
        every = {
            one.interpreter.sha256: one.interpreter
            for one in self.environments
            if isinstance(one.interpreter, PlannedInterpreter)
        }
        return tuple(sorted(every.values(), key=_newest_first))


class WheelFacts(NamedTuple):
    """What a wheel's own metadata says.

    Attributes:
        requires_python: The bound on the interpreter; empty for none.
        licence: Its licence.
    """

    requires_python: str
    licence: Licence


def place_wheels(wheels: tuple[LockedWheel, ...], facts: dict[str, WheelFacts]) -> dict[str, BundledWheel]:
    """Say where each wheel lies in the bundle, by sha256.

    Two builds of one sdist, by two Pythons, may have one file name: each lies in a directory of its own, so
    that who looks for wheels in a directory by their names, as pip does, finds the right one.

    Args:
        wheels: Sorted.
        facts: By sha256.
    """
    often = Counter(wheel.filename for wheel in wheels)
    placed = {}
    for wheel in wheels:
        place = f"wheels/{wheel.sha256[:16]}" if often[wheel.filename] > 1 else "wheels"
        path = f"{place}/{wheel.filename}"
        placed[wheel.sha256] = BundledWheel(
            filename=wheel.filename,
            path=path,
            sha256=wheel.sha256,
            size=wheel.size,
            project=wheel.project,
            version=wheel.version,
            requires_python=facts[wheel.sha256].requires_python,
        )
    return placed


def abi_of(environment: PlannedEnvironment) -> str:
    """The ABI tag of an environment's compiled modules; `none` where none is compiled.

    Before 3.3 there were two for each version, by the width of Unicode characters: the wheels tell which.
    """
    digits = environment.target.python_minor.replace(".", "")
    tags = {wheel.filename.removesuffix(".whl").split("-")[-2] for wheel in environment.wheels}
    if tags <= {"none", "abi3"}:
        return "none"
    if environment.target.python_minor.startswith("2."):
        return f"cp{digits}m" if f"cp{digits}m" in tags else f"cp{digits}mu"
    return f"cp{digits}m" if digits in {"35", "36", "37"} else f"cp{digits}"


def _newest_first(interpreter: PlannedInterpreter) -> tuple[tuple[int, ...], str]:
    from packaging.version import Version

    return tuple(-part for part in Version(interpreter.version).release), interpreter.sha256

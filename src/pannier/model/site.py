"""A site: the named environments that a server is to have, and what is locked for each."""

from pathlib import Path
from typing import Literal, NamedTuple

from pannier.model.target import Platform, Target


class SiteInterpreter(NamedTuple):
    """Which Python an environment runs with on the server.

    Attributes:
        kind: `system`: one of its minor version that is found there; `path`: this one; `bundled`: one that
            the bundle carries.
        path: Absolute path on the server, for `path`.
    """

    kind: Literal["system", "path", "bundled"] = "system"
    path: str = ""


class SiteEnvironment(NamedTuple):
    """One environment, as site.toml asks for it.

    Attributes:
        name: Of the environment, and of its interpreter in `bin`: `[a-z0-9][a-z0-9_-]*`.
        python: Version as written, with or without patch (`3.6`, `3.6.15`).
        requirements: Requirements files, as written; relative to site.toml.
        constraints: Files that bound versions without asking for anything; likewise.
        smoke: Lines of Python that must run in it.
        aliases: Further names of its interpreter.
        platform: What it is locked for; `None` for what the site or this machine says.
        interpreter: Which Python it runs with.
    """

    name: str
    python: str
    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    smoke: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    platform: Platform | None = None
    interpreter: SiteInterpreter = SiteInterpreter()

    @property
    def lock_name(self) -> str:
        """File name of its lock (PEP 751)."""
        return f"pylock.{self.name}.toml"


class Site(NamedTuple):
    """What site.toml says.

    Attributes:
        name: For people; the directory's name where site.toml gives none.
        prefix: Where environments live on the server; absolute.
        bin: Where their interpreters' names go; absolute.
        environments: In the file's order, at least one.
    """

    name: str
    prefix: str
    bin: str
    environments: tuple[SiteEnvironment, ...]


class LockedWheel(NamedTuple):
    """One wheel of an environment, there to be read.

    Attributes:
        filename: With its tags (PEP 427).
        sha256: Hex digest, as locked.
        size: In bytes.
        path: Where it is in the store.
        project: Normalized name.
        version: As locked.
        built: It was built here from an sdist, and is not on the index.
    """

    filename: str
    sha256: str
    size: int
    path: Path
    project: str
    version: str
    built: bool = False


class LockedEnvironment(NamedTuple):
    """An environment with all its wheels.

    Attributes:
        environment: What site.toml asks for.
        target: What it was locked for.
        wheels: Sorted by project.
        lock: Text of its lockfile.
    """

    environment: SiteEnvironment
    target: Target
    wheels: tuple[LockedWheel, ...]
    lock: str = ""

"""What a program needs, before anything is resolved."""

from typing import Literal, NamedTuple


class LocalProject(NamedTuple):
    """A project on this machine, to be built into a wheel.

    Attributes:
        path: Its directory, or a wheel or an sdist of it; as the spec writes it or absolute.
        name: Its project name where known.
        extras: The extras of it that are asked for.
        marker: When it is asked for (PEP 508); empty for always.
    """

    path: str
    name: str = ""
    extras: tuple[str, ...] = ()
    marker: str = ""


class DataSource(NamedTuple):
    """Data that a poncho spec has put beside the environment and exported as `$variable`.

    Attributes:
        variable: The environment variable that names the data's place at run time.
        kind: `git` for a repository at `ref`; `file` and `tar` for an HTTP download.
        url: The remote.
        ref: Commit, tag or branch (`git` only).
        sha256: Hex digest the download must have, where the spec gives one.
        compression: `gzip` or empty (`tar` and `file` only).
    """

    variable: str
    kind: Literal["git", "file", "tar"]
    url: str
    ref: str = ""
    sha256: str = ""
    compression: str = ""


class Spec(NamedTuple):
    """Requirements of an environment, whatever file they were read from.

    Attributes:
        requirements: PEP 508 strings for PyPI projects, in the order written.
        python: Version specifier for the interpreter (`==3.11.*`, `>=3.9`); empty for any.
        channels: conda channels, highest priority first.
        matchspecs: conda packages beyond `python` and `pip`.
        local_projects: Projects on this machine to build and install.
        data: Data to carry along.
        constraints: PEP 508 strings that bound versions without asking for anything.
        hashes: Normalized project name and the sha256 digests its files may have, where the spec gives any.
        indexes: Options about indexes, as pip names them (`extra-index-url`), with their values.
        choices: Options about what may be chosen (`pre`, `no-index`, `no-binary`, `only-binary`,
            `trusted-host`), with their values or an empty one.
        dialect: The name of the format it was read from, for messages.
    """

    requirements: tuple[str, ...] = ()
    python: str = ""
    channels: tuple[str, ...] = ()
    matchspecs: tuple[str, ...] = ()
    local_projects: tuple[LocalProject, ...] = ()
    data: tuple[DataSource, ...] = ()
    constraints: tuple[str, ...] = ()
    hashes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    indexes: tuple[tuple[str, str], ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    dialect: str = ""

    def __eq__(self, other: object) -> bool:
        """Whether the same is asked for; the format it was read from does not matter."""
        return isinstance(other, Spec) and self[:-1] == other[:-1]

    def __ne__(self, other: object) -> bool:
        """The opposite of equal, which a tuple would decide for itself."""
        return not self == other

    def __hash__(self) -> int:
        """As equality goes."""
        return hash(self[:-1])

    @property
    def is_empty(self) -> bool:
        """Nothing beyond an interpreter is asked for."""
        return not (self.requirements or self.matchspecs or self.local_projects or self.data)

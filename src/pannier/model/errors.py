"""The exception tree: one root, leaves by what the reader can do about it.

PannierError
├── AnalysisError        a source could not be read, or an import has no known project
├── SpecError            a spec, requirements file or configuration is not valid
├── LockError            no set of versions satisfies the requirements, or a lockfile is not valid
├── NoCompatibleWheelError   a locked project offers nothing for a target
├── InterpreterError     no interpreter fits, or the one named cannot be used or copied
├── FetchError           an index or a file host did not answer, or not with what was asked
├── HashMismatchError    bytes differ from the hash they were locked with
├── BuildError           an sdist or a local project could not be built into a wheel
├── PackError            a pack could not be written
├── CorruptPackError     a pack is truncated, tampered with, hostile or no pack at all
├── TargetMismatchError  a pack was made for another machine than this one
├── ReleaseError         a project is not ready to be released, or an index did not take or keep it
├── StorageError         the disk is full or a directory cannot be written
├── DistributionError    a wheel or an sdist is damaged, hostile, or not the one it is said to be
├── RequestError         a client asked an index of ours for what it cannot do, or in a way it cannot read
└── UsageError           the command line asks for something that cannot be (exit status 2)
"""

from collections.abc import Mapping, Sequence

Fact = str | Sequence[str]


class PannierError(Exception):
    """What went wrong in one sentence, the facts needed to decide, and one action to take.

    Args:
        message: One sentence, lower-case start, literals in backticks, no final period.
        code: Stable slug, the anchor of the error's page in `docs/reference/errors.md`.
        facts: Field name to value, or to several values, in the order to show them.
        hint: One action the reader can take, a command where there is one; empty for none.
    """

    default_code = "error"
    exit_status = 1

    def __init__(
        self, message: str, *, code: str = "", facts: Mapping[str, Fact] | None = None, hint: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.facts: dict[str, Fact] = dict(facts or {})
        self.hint = hint


class AnalysisError(PannierError):
    """A source could not be read, or an import has no known project."""

    default_code = "analysis"


class SpecError(PannierError):
    """A spec, requirements file or configuration is not valid."""

    default_code = "spec-invalid"


class LockError(PannierError):
    """No set of versions satisfies the requirements, or a lockfile is not valid."""

    default_code = "lock-failed"


class NoCompatibleWheelError(PannierError):
    """A locked project offers nothing that fits a target."""

    default_code = "no-compatible-wheel"


class InterpreterError(PannierError):
    """No interpreter fits, or the one named cannot be used or copied."""

    default_code = "interpreter"


class FetchError(PannierError):
    """An index or a file host did not answer, or not with what was asked."""

    default_code = "fetch-failed"


class HashMismatchError(PannierError):
    """Bytes differ from the hash they were locked with."""

    default_code = "hash-mismatch"


class BuildError(PannierError):
    """An sdist or a local project could not be built into a wheel."""

    default_code = "build-failed"


class PackError(PannierError):
    """A pack could not be written."""

    default_code = "pack-failed"


class CorruptPackError(PannierError):
    """A pack is truncated, tampered with, hostile, or no pack at all."""

    default_code = "corrupt-pack"


class TargetMismatchError(PannierError):
    """A pack was made for another machine than this one."""

    default_code = "target-mismatch"


class StorageError(PannierError):
    """The disk is full, or a directory cannot be written."""

    default_code = "storage"


class DistributionError(PannierError):
    """A wheel or an sdist is damaged, hostile, or not the one it is said to be."""

    default_code = "bad-distribution"


class RequestError(PannierError):
    """A client asked an index of ours for what it cannot do, or in a way it cannot read."""

    default_code = "bad-request"


class ReleaseError(PannierError):
    """A project is not ready to be released, or an index did not take or keep what was uploaded."""

    default_code = "release-refused"


class UsageError(PannierError):
    """The command line asks for something that cannot be."""

    default_code = "usage"
    exit_status = 2

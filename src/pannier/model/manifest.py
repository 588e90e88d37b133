"""What a pack says of itself; the JSON form is `docs/reference/manifest.schema.json`."""

from typing import Literal, NamedTuple

from pannier.model.target import Target

FORMAT_VERSION = 1

LayerKind = Literal["runtime", "interpreter", "distribution", "data", "program"]


class Layer(NamedTuple):
    """One frame of a pack: a tar segment, compressed as its own frame.

    Attributes:
        kind: What it carries.
        name: Unique in the pack: a project's name, `interpreter`, `runtime`, `program`.
        sha256: Hex digest of the frame as it lies in the pack.
        size: Of the frame, in bytes.
        content_sha256: Hex digest of the tar segment, the same whatever the compression.
        content_size: Of the tar segment, in bytes.
        files: How many members it has.
        version: The distribution's or interpreter's version; empty where there is none.
        source: File name of the distribution it was made from; empty where there is none.
        source_sha256: Hex digest of that distribution.
        bytecode: Its Python modules have their `.pyc` beside them.
    """

    kind: LayerKind
    name: str
    sha256: str
    size: int
    content_sha256: str
    content_size: int
    files: int
    version: str = ""
    source: str = ""
    source_sha256: str = ""
    bytecode: bool = True


class PackedInterpreter(NamedTuple):
    """The Python a pack runs with.

    Attributes:
        origin: `inside` the pack, or the target's own (`host`).
        version: Whole version; for `host`, the version packed for, of which `major.minor` must match.
        executable: Path in the prefix, such as `bin/python3.11`.
        implementation: `cpython`.
    """

    origin: Literal["inside", "host"]
    version: str
    executable: str
    implementation: str = "cpython"


class Program(NamedTuple):
    """What runs when no command is given.

    Attributes:
        name: The command's name in `bin`.
        source: Path in the prefix of the script, or the module or entry point it starts.
    """

    name: str
    source: str


class Manifest(NamedTuple):
    """Everything a pack holds, layer by layer, in the order they lie in the file.

    Attributes:
        name: What the pack is called, for people.
        target: What it was packed for; the platform's libc version is the least it needs.
        interpreter: The Python it runs with.
        program: What runs when no command is given, if anything.
        layers: In the file's order.
        environment: Variables to set at run time, name to path in the prefix.
        lock_sha256: Digest of the lock it was packed from.
        format_version: Version of the pack format, not of Pannier.
    """

    name: str
    target: Target
    interpreter: PackedInterpreter
    program: Program | None
    layers: tuple[Layer, ...]
    environment: tuple[tuple[str, str], ...] = ()
    lock_sha256: str = ""
    format_version: int = FORMAT_VERSION

"""Dependencies beside a program: a tree of directories, put in place of the one before in one step.

python_deps/vendored.py             chooses directories of the tree in force; replacing it is the switch
python_deps/tree-ID/start/          what it loads (`runtime/vendored`), with byte code
python_deps/tree-ID/cp311-x86_64/   what one target alone needs
python_deps/tree-ID/pure/           what all share
python_deps/pylock.toml             the lock
python_deps/.pannier-vendor.json    what is ours, and what it was made of
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from pannier.formats.vendor_markers import (
    MARKER_NAME,
    TREE_PREFIX,
    VendorMarker,
    format_marker,
    parse_marker,
)
from pannier.model.errors import StorageError, UsageError
from pannier.model.events import Reporter, Stage
from pannier.pack.bytecode import Compiler
from pannier.pack.vendor_files import Inventory, TreeWriter
from pannier.pack.vendor_layout import Group, VendoredTarget, directories_of, lay_out
from pannier.store.directories import CacheDirectories
from pannier.store.writing import storage_error, write_whole

VENDOR_VERSION = 1
STUB_NAME = "vendored.py"
LOCK_NAME = "pylock.toml"
_STAGE = ".pannier-stage-"
_INVENTORY = "inventory.json"
_START = "start/pannier_vendored_start.py"
_FETCHING = "start/pannier_vendored_fetching.py"
_STUB = """\
# Written by `pannier vendor`. `import vendored` puts what lies here on the path of the Python that runs;
# `python3 -S -s vendored.py PROGRAM [ARGUMENT...]` runs a program with it and nothing else.
import os
import sys

_tree = os.path.join(os.path.dirname(os.path.abspath(__file__)), "{tree}")
sys.path.insert(0, os.path.join(_tree, "start"))
import pannier_vendored_start as _start

del sys.path[0]
_start.enter(_tree, __name__)
"""


class OldPython(NamedTuple):
    """A Python before 3.7, which compiles what is laid out by itself.

    Attributes:
        python_executable: What to start.
        version: Whole version.
    """

    python_executable: str
    version: str


class OnDemand(NamedTuple):
    """What the first start is to bring.

    Attributes:
        fetched: Label to its wheels, as `locked.json` has them.
        carried: Wheels that no index has, which travel in the tree.
    """

    fetched: dict[str, list[dict[str, object]]]
    carried: tuple[Path, ...]


class VendorPlan(NamedTuple):
    """What to put beside a program.

    Attributes:
        targets: What for, each with what it needs.
        compilers: Label to the Python that makes byte code; none for a target without one here.
        request: Digest of all that was asked for.
        lock: The text of the lock.
        on_demand: What is left to the first start; `None` when all is laid out here.
    """

    targets: tuple[VendoredTarget, ...]
    compilers: dict[str, Compiler | OldPython]
    request: str
    lock: str
    on_demand: OnDemand | None = None


class VendoredTree(NamedTuple):
    """What lies beside the program now.

    Attributes:
        directory: Of all of it.
        tree: Name of the tree in force.
        files: How many files it has.
        size: Of them, in bytes.
        in_use: Names of trees before it that stay, since programs that run use them.
    """

    directory: Path
    tree: str
    files: int
    size: int
    in_use: tuple[str, ...] = ()


def read_marker(directory: Path) -> VendorMarker | None:
    """What a directory says was put there; `None` where nothing was."""
    path = directory / MARKER_NAME
    return parse_marker(path.read_bytes(), filename=str(path)) if path.is_file() else None


def tree_in_force(directory: Path, marker: VendorMarker) -> VendoredTree | None:
    """The tree that the marker names, when all of its files are there at their sizes."""
    inventory = _read_inventory(directory, marker)
    if inventory is None or _differences(directory / marker.tree, inventory, by_content=False):
        return None
    if not (directory / STUB_NAME).is_file():
        return None
    return VendoredTree(directory, marker.tree, len(inventory), sum(size for size, _ in inventory.values()))


def differences(directory: Path, marker: VendorMarker) -> list[str]:
    """Name every file of the tree in force that is missing or has another content."""
    inventory = _read_inventory(directory, marker)
    if inventory is None:
        return [f"{marker.tree}/{_INVENTORY}"]
    stub = directory / STUB_NAME
    found = [] if stub.is_file() and stub.read_text("utf-8") == stub_text(marker.tree) else [STUB_NAME]
    return found + _differences(directory / marker.tree, inventory, by_content=True)


def stub_text(tree: str) -> str:
    """The text of `vendored.py` for a tree."""
    return _STUB.format(tree=tree)


def write_vendored(
    plan: VendorPlan, directory: Path, directories: CacheDirectories, reporter: Reporter
) -> VendoredTree:
    """Put a tree in place of the one that is there, leaving alone what is not ours.

    Args:
        plan: What to put there.
        directory: Where; made when missing.
        directories: The cache, where byte code is kept.
        reporter: Hears of progress, and of files that two distributions have.

    Raises:
        UsageError: A file of somebody else stands where one of ours would.
        PackError: A wheel cannot be laid out.
        StorageError: The disk is full or the directory cannot be written.
    """
    is_new = not directory.exists()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _alone(directory):
            marker = read_marker(directory)
            _check_foreign(directory, marker)
            return _replace(plan, directory, marker, directories, reporter)
    except OSError as error:
        if is_new:
            with suppress(OSError):
                directory.rmdir()
        raise storage_error(error, directory, size=0) from error


def _replace(
    plan: VendorPlan,
    directory: Path,
    marker: VendorMarker | None,
    directories: CacheDirectories,
    reporter: Reporter,
) -> VendoredTree:
    _remove_stages(directory)
    stage = directory / f"{_STAGE}{os.urandom(6).hex()}"
    stage.mkdir()
    try:
        groups = [] if plan.on_demand is not None else lay_out(plan.targets)
        inventory = _write_tree(plan, groups, stage, directories, reporter)
        tree = TREE_PREFIX + _tree_id(inventory)
        before = () if marker is None else tuple(name for name in marker.trees if name != tree)
        write_whole(directory / MARKER_NAME, format_marker(VendorMarker(plan.request, tree, (tree, *before))))
        if (directory / tree).exists():
            (directory / tree).rename(directory / f"{_STAGE}{os.urandom(6).hex()}")
        stage.rename(directory / tree)
        write_whole(directory / LOCK_NAME, plan.lock.encode())
        write_whole(directory / STUB_NAME, stub_text(tree).encode())
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    _remove_stages(directory)
    in_use = _remove_trees(directory, VendorMarker(plan.request, tree, (tree, *before)))
    return VendoredTree(directory, tree, len(inventory), sum(size for size, _ in inventory.values()), in_use)


def remove_old_trees(directory: Path) -> tuple[str, ...]:
    """Remove trees that were in force before and that no program uses any more; name those that one does.

    Raises:
        StorageError: The directory cannot be written.
    """
    marker = read_marker(directory)
    if marker is None or len(marker.trees) < 2:
        return ()
    try:
        with _alone(directory):
            return _remove_trees(directory, marker)
    except OSError as error:
        raise storage_error(error, directory, size=0) from error


def _remove_trees(directory: Path, marker: VendorMarker) -> tuple[str, ...]:
    before = [name for name in marker.trees if name != marker.tree]
    in_use = tuple(name for name in before if not _remove_unused(directory / name))
    write_whole(directory / MARKER_NAME, format_marker(marker._replace(trees=(marker.tree, *in_use))))
    return in_use


def _remove_unused(tree: Path) -> bool:
    """Remove a tree unless a program holds it, as `runtime/vendored/start.py` does; say if it is gone."""
    try:
        descriptor = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    except OSError:
        pass  # a file system without locks cannot say who uses it
    shutil.rmtree(tree, ignore_errors=True)
    os.close(descriptor)
    return True


def _write_tree(
    plan: VendorPlan,
    groups: Sequence[Group],
    stage: Path,
    directories: CacheDirectories,
    reporter: Reporter,
) -> Inventory:
    writer = TreeWriter(stage, directories, reporter)
    stage_of_work = Stage(name="laying out", total=sum(len(group.wheels) for group in groups), unit="items")
    reporter.begin(stage_of_work)
    minors = {target.label: target.target.python_minor for target in plan.targets}
    try:
        for group in groups:
            pythons = {minors[label]: plan.compilers.get(label) for label in group.labels}
            modern = {minor: one for minor, one in pythons.items() if isinstance(one, Compiler)}
            for wheel in group.wheels:
                compilers = {minor: modern.get(minor) for minor in pythons}
                writer.add_wheel(wheel, group.directory, compilers)
                reporter.advance(stage_of_work, 1, wheel.path.name)
            for one in pythons.values():
                if isinstance(one, OldPython):
                    writer.compile_with(one.python_executable, group.directory)
    finally:
        reporter.end(stage_of_work)
    _write_start(plan, groups, writer)
    inventory = dict(writer.inventory)
    writer.write(_INVENTORY, _format_inventory(inventory))
    return inventory


def _write_start(plan: VendorPlan, groups: Sequence[Group], writer: TreeWriter) -> None:
    """Write what `vendored.py` loads, with byte code for every target that has a Python here."""
    start = f"{_runtime_text('start.py')}\n{_table(plan, groups, writer)}"
    writer.write(_START, start.encode())
    if plan.on_demand is not None:
        writer.write(_FETCHING, _runtime_text("fetching.py").encode())
        writer.write(
            "locked.json", json.dumps(plan.on_demand.fetched, indent=1, sort_keys=True).encode() + b"\n"
        )
        for path in plan.on_demand.carried:
            writer.write(f"wheels/{path.name}", path.read_bytes())
    for one in dict.fromkeys(plan.compilers.values()):
        if isinstance(one, Compiler):
            writer.compile_text(_START, start.encode(), one)
        else:
            writer.compile_with(one.python_executable, "start")


def _table(plan: VendorPlan, groups: Sequence[Group], writer: TreeWriter) -> str:
    rows = []
    for target in plan.targets:
        major, minor = target.target.python_minor.split(".")
        family, version = target.least_libc
        python = (int(major), int(minor))
        machine = target.target.platform.architecture
        rows.append((target.label, python, machine, family, version, target.is_compiled))
    directories = {target.label: directories_of(groups, target.label) for target in plan.targets}
    with_pth = {
        label: tuple(name for name in names if writer.has_pth(name)) for label, names in directories.items()
    }
    return (
        f"TARGETS = {tuple(rows)!r}\nDIRECTORIES = {directories!r}\n"
        f"PTH_DIRECTORIES = {with_pth!r}\nIS_ON_DEMAND = {plan.on_demand is not None!r}\n"
    )


def runtime_digest() -> str:
    """Digest of everything that goes beside a program from here, to tell when it has changed."""
    names = ("start.py", "fetching.py", "launcher.sh")
    text = "\0".join([str(VENDOR_VERSION), _STUB, *(_runtime_text(name) for name in names)])
    return hashlib.sha256(text.encode()).hexdigest()


def launcher_template() -> str:
    """The text of a launcher, with its gaps."""
    return _runtime_text("launcher.sh")


def _runtime_text(name: str) -> str:
    import pannier.runtime

    return Path(next(iter(pannier.runtime.__path__)), "vendored", name).read_text("utf-8")


def _tree_id(inventory: Inventory) -> str:
    # Byte code is left out: that of Pythons before 3.7 is not the same twice.
    lines = [f"{name} {sha256}" for name, (_, sha256) in sorted(inventory.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _format_inventory(inventory: Inventory) -> bytes:
    return json.dumps(inventory, indent=0, sort_keys=True).encode() + b"\n"


def _read_inventory(directory: Path, marker: VendorMarker) -> Inventory | None:
    try:
        read = json.loads((directory / marker.tree / _INVENTORY).read_bytes())
        return {str(name): (int(size), str(sha256)) for name, (size, sha256) in read.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _differences(tree: Path, inventory: Inventory, *, by_content: bool) -> list[str]:
    found = []
    root = os.fspath(tree)
    for name, (size, sha256) in inventory.items():
        path = os.path.join(root, name)
        try:
            is_same = os.stat(path).st_size == size  # noqa: PTH116 - thousands of files
            if is_same and by_content:
                with open(path, "rb") as stream:  # noqa: PTH123
                    is_same = hashlib.file_digest(stream, "sha256").hexdigest() == sha256
        except OSError:
            is_same = False
        if not is_same:
            found.append(f"{tree.name}/{name}")
    return found


def _check_foreign(directory: Path, marker: VendorMarker | None) -> None:
    if marker is not None:
        return
    standing = [name for name in (STUB_NAME, LOCK_NAME) if (directory / name).exists()]
    if standing:
        raise UsageError(
            f"`{directory}` has files that `pannier vendor` would replace, and did not write",
            code="output-exists",
            facts={"files": standing},
            hint="name another directory with `-t`",
        )


def _remove_stages(directory: Path) -> None:
    for path in directory.glob(f"{_STAGE}*"):
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise StorageError(
            f"another `pannier vendor` writes to `{directory}` at this moment",
            code="output-busy",
            hint="wait until it is done",
        ) from None
    finally:
        os.close(descriptor)

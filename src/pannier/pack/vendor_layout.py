"""Which directory of a vendored tree each wheel goes to: what several targets share is stored once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pannier.formats.wheels import libc_floor, parse_wheel_filename
from pannier.model.target import Target
from pannier.pack.plan import PlannedWheel
from pannier.pack.wheel_archive import WheelArchive


class VendoredTarget(NamedTuple):
    """One Python on one platform, and what it needs.

    Attributes:
        label: Names it in the tree (`cp311-x86_64`).
        target: The Python and the platform.
        wheels: What it needs, each project once.
    """

    label: str
    target: Target
    wheels: tuple[PlannedWheel, ...]

    @property
    def is_compiled(self) -> bool:
        """Whether any of it is for one kind of machine only."""
        return any(not is_pure(wheel.path.name) for wheel in self.wheels)

    @property
    def least_libc(self) -> tuple[str, tuple[int, ...]]:
        """Family of the C library and the oldest version of it that runs all of it; empty for any."""
        floors = [libc_floor(parse_wheel_filename(wheel.path.name).platforms) for wheel in self.wheels]
        known = [floor for floor in floors if floor is not None]
        if not known:
            return "", ()
        platform = self.target.platform
        locked_for = tuple(int(part) for part in platform.libc_version.split("."))
        # What was built on this machine (`linux_x86_64`) may need all that the target has.
        return platform.libc_family, max(floor[1] if floor[0] else locked_for for floor in known)


class Group(NamedTuple):
    """Wheels that lie in one directory, because the same targets use them.

    Attributes:
        directory: Below the tree.
        labels: The targets.
        wheels: Sorted by project.
    """

    directory: str
    labels: tuple[str, ...]
    wheels: tuple[PlannedWheel, ...]


def is_pure(filename: str) -> bool:
    """Whether a wheel runs on every machine, by its name."""
    return libc_floor(parse_wheel_filename(filename).platforms) is None


def label_targets(targets: Sequence[Target]) -> list[str]:
    """Name each target, as shortly as tells them apart."""
    short = [f"{_python_label(target)}-{target.platform.architecture}" for target in targets]
    return [
        label
        if short.count(label) == 1
        else f"{label}-{target.platform.libc_family}{target.platform.libc_version}"
        for label, target in zip(short, targets, strict=True)
    ]


def lay_out(targets: Sequence[VendoredTarget]) -> list[Group]:
    """Divide the wheels of all targets into directories.

    A wheel for every machine lies once, in a directory that is shared by the targets that need it. Compiled
    wheels lie with the target, where their libraries find each other, and so do wheels that have files in
    one package with others: Python looks for those in one directory only.

    Args:
        targets: With what each needs.
    """
    users: dict[str, list[str]] = {}
    wheels: dict[str, PlannedWheel] = {}
    for target in targets:
        for wheel in target.wheels:
            users.setdefault(wheel.sha256, []).append(target.label)
            wheels[wheel.sha256] = wheel
    entangled = {sha256 for target in targets for sha256 in _entangled(target.wheels)}
    members: dict[tuple[str, ...], list[PlannedWheel]] = {}
    for sha256, labels in users.items():
        is_shared = is_pure(wheels[sha256].path.name) and sha256 not in entangled
        for group in [tuple(labels)] if is_shared else [(label,) for label in labels]:
            members.setdefault(group, []).append(wheels[sha256])
    everyone = tuple(target.label for target in targets)
    ordered = sorted(members.items(), key=lambda item: (len(item[0]), item[0]))
    return [
        Group(_directory_of(labels, everyone), labels, tuple(sorted(own, key=lambda wheel: wheel.path.name)))
        for labels, own in ordered
    ]


def directories_of(groups: Iterable[Group], label: str) -> tuple[str, ...]:
    """The directories that a target looks in, its own first."""
    return tuple(group.directory for group in groups if label in group.labels)


def top_names(names: Iterable[str]) -> dict[str, bool]:
    """What a wheel adds to the top of a directory, and whether each is a package with an `__init__`.

    Args:
        names: Of its members.
    """
    found: dict[str, bool] = {}
    for name in names:
        parts = name.split("/")
        if parts[0].endswith(".data"):
            if len(parts) < 3 or parts[1] not in {"purelib", "platlib"}:
                continue
            parts = parts[2:]
        if parts[0].endswith(".dist-info") or len(parts) < 2:
            continue
        found[parts[0]] = found.get(parts[0], False) or parts[1] == "__init__.py"
    return found


def _entangled(wheels: Sequence[PlannedWheel]) -> set[str]:
    """The wheels of one target that share a package which is no namespace by PEP 420."""
    holders: dict[str, list[str]] = {}
    regular: set[str] = set()
    for wheel in wheels:
        for name, has_init in _top_names_of(wheel.path).items():
            holders.setdefault(name, []).append(wheel.sha256)
            if has_init:
                regular.add(name)
    return {sha256 for name in regular if len(holders[name]) > 1 for sha256 in holders[name]}


def _top_names_of(path: Path) -> Mapping[str, bool]:
    with WheelArchive(path) as archive:
        return top_names(archive.members)


def _directory_of(labels: tuple[str, ...], everyone: tuple[str, ...]) -> str:
    if len(labels) == 1:
        return labels[0]
    if labels == everyone:
        return "pure"
    # Pythons alone name it where all machines of each are meant: `pure-cp38-cp311`.
    pythons = dict.fromkeys(_python(label) for label in labels)
    is_whole = all((label in labels) == (_python(label) in pythons) for label in everyone)
    return "-".join(["pure", *(pythons if is_whole else labels)])


def _python(label: str) -> str:
    return label.partition("-")[0]


def _python_label(target: Target) -> str:
    return "cp" + re.sub(r"\D", "", target.python_minor)

"""A package of a system, whatever manages packages there: all that its writer needs, open for reading."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from pannier.formats.debian_control import CopyrightPart
from pannier.formats.python_reach import Reach
from pannier.formats.wheels import parse_wheel_filename
from pannier.model.errors import UsageError
from pannier.model.events import Reporter
from pannier.model.target import Platform
from pannier.pack.contents import Item
from pannier.pack.image import SystemFacts, opened_image
from pannier.pack.image_commands import command_items, commands_of_plan
from pannier.pack.image_licences import copyright_parts
from pannier.pack.image_needs import BinaryNeeds, binary_needs, metadata_of, newest_date, python_reach
from pannier.pack.plan import PackPlan

# 2000-01-01: no file of a package is older, since those that check packages take that for a mistake.
_LEAST_DATE = 946_684_800


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemContents:
    """What a package is made of.

    Attributes:
        facts: What it says of itself.
        prefix: Path of its prefix, without the leading slash.
        platform: Of the target.
        items: Its files below `usr/`, commands and manual pages among them.
        commands: Names in `/usr/bin`.
        reach: Minor versions of the system's Python that it runs with; `None` with an interpreter inside.
        binary: What its compiled files need.
        copyright: Whose it is.
        inventory: A paragraph that names what is in the prefix.
    """

    facts: SystemFacts
    prefix: str
    platform: Platform
    items: tuple[Item, ...]
    commands: tuple[str, ...]
    reach: Reach | None
    binary: BinaryNeeds
    copyright: tuple[CopyrightPart, ...]
    inventory: str

    @property
    def is_native(self) -> bool:
        """It is for one architecture."""
        return self.binary.is_compiled


class WrittenPackage(NamedTuple):
    """A package that was written.

    Attributes:
        name: The package's.
        version: As the system writes it, whole.
        architecture: As the system calls it.
        depends: What it needs of the system.
        size: Of the file, in bytes.
    """

    name: str
    version: str
    architecture: str
    depends: tuple[str, ...]
    size: int


@contextmanager
def opened_contents(
    plan: PackPlan, facts: SystemFacts, commands: Sequence[str], reporter: Reporter
) -> Iterator[SystemContents]:
    """Lay out a package; its items can be read while it is open.

    Args:
        plan: What to pack.
        facts: What it says of itself; a date of 0 stands for that of the newest wheel.
        commands: Of the distributions, those to have in `/usr/bin`; the program's own is there in any case.
        reporter: Hears of files that several distributions want.

    Raises:
        UsageError: Nothing says which command the package has, or the target's C library is not glibc.
        PackError: Something cannot be packed.
    """
    _check_platform(plan)
    metadata = metadata_of(plan)
    facts = facts._replace(date=facts.date or newest_date(plan, _LEAST_DATE))
    reach = None if plan.interpreter else python_reach(plan, metadata, facts.requires_python)
    with opened_image(plan, facts.name, reach) as image:
        for notice in image.notices:
            reporter.warn(notice)
        started = commands_of_plan(plan, image, commands)
        yield SystemContents(
            facts=facts,
            prefix=image.prefix,
            platform=plan.target.platform,
            items=(*image.items, *command_items(started, image, facts, plan)),
            commands=tuple(command.name for command in started),
            reach=reach,
            binary=binary_needs(image.items, plan.target.platform.architecture),
            copyright=tuple(copyright_parts(facts, image, plan, metadata)),
            inventory=_inventory(plan, image.prefix),
        )


def _check_platform(plan: PackPlan) -> None:
    family = plan.target.platform.libc_family
    if family == "musl":
        raise UsageError(
            "packages for Debian and RPM systems are for glibc, and the target has musl",
            code="package-platform",
            hint="leave `--platform` out, or pack to `.tar.gz`",
        )


def _inventory(plan: PackPlan, prefix: str) -> str:
    names = [parse_wheel_filename(wheel.path.name) for wheel in plan.wheels if wheel.kind != "program"]
    named = ", ".join(sorted(f"{name.project} {name.version}" for name in names))
    python = f"Python {plan.interpreter.version}" if plan.interpreter else ""
    held = " and ".join(filter(None, [python, named]))
    return f"It has its own copies in /{prefix}: {held}." if held else f"It lies in /{prefix}."

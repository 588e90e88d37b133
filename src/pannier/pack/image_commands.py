"""The commands of a package, and the manual page of each."""

import gzip
import io
from collections.abc import Container, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from pannier.formats.man_pages import ManOption, format_man_page
from pannier.formats.system_commands import format_system_command, module_start, script_start
from pannier.model.errors import UsageError
from pannier.pack.contents import Item, item_of_bytes
from pannier.pack.image import COMMANDS, SystemFacts, SystemImage
from pannier.pack.plan import PackPlan

# A package that brought one of these would take the system's.
_NOT_OURS = {"python", "python3", "sh", "run_in_env", "pip", "pip3"}


class Command(NamedTuple):
    """A command of a package.

    Attributes:
        name: In `/usr/bin`.
        start: The words that it starts.
    """

    name: str
    start: tuple[str, ...]


def commands_of_plan(plan: PackPlan, image: SystemImage, installed: Sequence[str]) -> list[Command]:
    """Say which commands a package has: the program's, or all of the projects packed.

    Args:
        plan: What is packed.
        image: Its files.
        installed: The commands in its `bin` that are to be had.

    Raises:
        UsageError: There are none, or one cannot be a package's.
    """
    prefix = f"/{image.prefix}"
    places = {item.name for item in image.items}
    commands = [Command(name, _start(name, image.prefix, places)) for name in installed]
    if (program := plan.program) and program.command and (program.script or program.module):
        place = f"program/{program.script}"
        start = script_start(prefix, place) if program.script else module_start(prefix, program.module)
        commands = [Command(program.command, start)]
    if not commands:
        raise UsageError(
            "a package for a whole system needs a command, and nothing that is packed says which",
            code="package-without-command",
            hint="name a console script of what is packed with `--program`",
        )
    if taken := sorted(command.name for command in commands if command.name in _NOT_OURS):
        raise UsageError(
            f"a package cannot bring the command `{taken[0]}`, which is the system's",
            code="program-name",
            hint="choose another name with `--name`",
        )
    return commands


def _start(name: str, prefix: str, places: Container[str]) -> tuple[str, ...]:
    if f"{prefix}/{COMMANDS}/{name}" in places:
        return script_start(f"/{prefix}", f"{COMMANDS}/{name}")
    return (f"/{prefix}/bin/{name}",)


def command_items(
    commands: Sequence[Command], image: SystemImage, facts: SystemFacts, plan: PackPlan
) -> list[Item]:
    """Make the files of commands below `usr/bin` and `usr/share/man`."""
    prefix = f"/{image.prefix}"
    variables = [(name, f"{prefix}/{place}") for name, place in sorted(plan.environment)]
    given = {item.name.removeprefix(f"{image.prefix}/"): item for item in image.items}
    items = []
    for command in commands:
        script = format_system_command(prefix, command.start, variables)
        items.append(item_of_bytes(f"usr/bin/{command.name}", script, executable=True))
        own = given.get(f"share/man/man1/{command.name}.1")
        page = b"".join(own.pieces()) if own and own.pieces else _page(command.name, facts)
        items.append(item_of_bytes(f"usr/share/man/man1/{command.name}.1.gz", compressed(page)))
    return items


def compressed(data: bytes) -> bytes:
    """Compress as `gzip -9n` does: no name, no date."""
    stream = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0, compresslevel=9) as file:
        file.write(data)
    return stream.getvalue()


def _page(command: str, facts: SystemFacts) -> bytes:
    return format_man_page(
        command,
        package=facts.name,
        version=facts.version,
        date=datetime.fromtimestamp(facts.date, UTC).strftime("%Y-%m-%d"),
        summary=facts.summary,
        description=facts.description,
        options=[ManOption(names, about) for names, about in facts.options],
        homepage=facts.homepage,
    )

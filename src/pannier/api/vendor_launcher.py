"""The launcher beside a program: what it starts, where it lies, and its text."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pannier.api.subjects import Subject, read_text
from pannier.formats.vendor_markers import LAUNCHER_MARK
from pannier.model.errors import UsageError
from pannier.model.target import Target

if TYPE_CHECKING:
    from pannier.pack.vendor_layout import VendoredTarget


class Launcher(NamedTuple):
    """A launcher to be.

    Attributes:
        path: Where it is written.
        directory: Of the dependencies.
        pythons: `major.minor` versions that are vendored for, oldest first.
        script: The file to start; `None` where a console script is.
        command: Name of the console script, of the launcher's own where it is empty.
        reference: `module:attribute` behind the console script, once that is known.
    """

    path: Path
    directory: Path
    pythons: tuple[str, ...]
    script: Path | None = None
    command: str = ""
    reference: str = ""

    def check(self) -> None:
        """Refuse to replace what somebody else wrote.

        Raises:
            UsageError: There is such a file or directory.
        """
        if not self.path.exists() or LAUNCHER_MARK in _head_of(self.path):
            return
        raise UsageError(
            f"`{self.path}` is there already, and was not written by `pannier vendor`",
            code="output-exists",
            hint="name the launcher with `--wrapper NAME`",
        )

    def is_there(self) -> bool:
        """Whether the file is what would be written; of a console script, whether it is one of ours."""
        if not self.path.is_file() or not os.access(self.path, os.X_OK):
            return False
        if self.script is None:
            return LAUNCHER_MARK in _head_of(self.path)
        return self.path.read_bytes() == self.text().encode()

    def resolve(self, targets: "Sequence[VendoredTarget]") -> "Launcher":
        """Find what is behind the console script to start.

        Raises:
            UsageError: No distribution brings a console script of that name.
        """
        if self.script is not None:
            return self
        from pannier.pack.vendor_commands import console_scripts

        found: dict[str, str] = {}
        for wheel in dict.fromkeys(wheel for target in targets for wheel in target.wheels):
            found |= console_scripts(wheel.path)
        own: dict[str, str] = {}
        for target in targets:
            for wheel in target.wheels:
                own |= console_scripts(wheel.path) if wheel.kind == "program" else {}
        command = self.command or (next(iter(own)) if len(own) == 1 else self.path.name)
        if command not in found:
            raise UsageError(
                f"nothing that is vendored brings a console script `{command}`",
                code="program-entry",
                facts={"console scripts": sorted(own or found) or "none"},
                hint="name one of them with `--program`",
            )
        return self._replace(reference=found[command])

    def text(self) -> str:
        """The launcher, which finds everything from where it lies itself."""
        from pannier.pack.vendoring import STUB_NAME, launcher_template

        stub = _from(self.path, self.directory / STUB_NAME)
        if self.script is not None:
            entry = f'"$here/"{shlex.quote(_from(self.path, self.script))}'
        else:
            entry = f'-c {shlex.quote(self.reference)} "$self"'
        gaps = {
            "@PROGRAM@": _one_line(self.script.name if self.script else self.command or self.reference),
            "@DIRECTORY@": _one_line(_from(self.path, self.directory)),
            "@STUB@": shlex.quote(stub),
            "@PYTHONS@": " ".join(_names(self.pythons)),
            "@ENTRY@": entry,
            "@VERSIONS@": " or ".join(self.pythons),
        }
        text = launcher_template()
        for gap, value in gaps.items():
            text = text.replace(gap, value)
        return text

    def write(self) -> None:
        """Write it, whole or not at all, executable."""
        from pannier.store.writing import write_whole

        self.check()
        write_whole(self.path, self.text().encode(), mode=0o777)


def launcher_of(
    subject: Subject | None, wrapper: str, program: str, directory: Path, targets: Sequence[Target]
) -> Launcher:
    """Say where the launcher goes and what it starts.

    Args:
        subject: What is vendored for.
        wrapper: Name of the launcher; empty for the subject's own.
        program: Console script to start; empty for the subject itself.
        directory: Of the dependencies.
        targets: What is vendored for.

    Raises:
        UsageError: Nothing tells what to start, or the launcher would take the program's own name.
    """
    script = _script_of(subject) if not program else None
    name = wrapper or (program if script is None else "")
    home = Path()
    if subject is not None and subject.kind in {"source", "project"}:
        home = subject.path if subject.path.is_dir() else subject.path.parent
        name = name or _only_command(subject) or subject.name
    if not name:
        raise UsageError(
            "nothing tells what the launcher is to start",
            code="program-entry",
            hint="name a script, or a console script of what is vendored with `--wrapper NAME`",
        )
    path = Path(name) if "/" in name else home / name
    if script is not None and path.resolve() == script.resolve():
        raise UsageError(
            f"the launcher would take the place of the program `{script}`",
            code="output-exists",
            hint="name the launcher with `--wrapper NAME`",
        )
    numbers = {target.python_minor: tuple(map(int, target.python_minor.split("."))) for target in targets}
    pythons = tuple(sorted(numbers, key=lambda minor: numbers[minor]))
    return Launcher(path, directory, pythons, script, program)


def _script_of(subject: Subject | None) -> Path | None:
    if subject is None or subject.kind != "source":
        return None
    path = subject.path
    if path.is_dir() and (path / "__main__.py").is_file() and not (path / "__init__.py").is_file():
        return path / "__main__.py"
    if path.is_dir() or path.suffix == ".ipynb":
        raise UsageError(
            f"a launcher cannot start `{path}`",
            code="program-entry",
            hint="name a script, or a directory with a `__main__.py` and no `__init__.py`",
        )
    return path


def _only_command(subject: Subject) -> str:
    """The console script of a project that declares one and no more."""
    from pannier.formats.project_files import console_script_names

    pyproject = subject.path if subject.path.is_file() else subject.path / "pyproject.toml"
    if subject.kind != "project" or not pyproject.is_file():
        return ""
    names = console_script_names(read_text(pyproject))
    return names[0] if len(names) == 1 else ""


def _names(pythons: Sequence[str]) -> list[str]:
    """What to look for on PATH, in order: the usual name first, so that a virtual environment's is taken."""
    newest_first = list(reversed(pythons))
    names = [f"python{minor}" for minor in newest_first]
    if any(minor.startswith("3") for minor in pythons):
        return ["python3", *names, "/usr/bin/python3", "/usr/local/bin/python3"]
    # Any other Python finds one of these where PATH has none: `start_another`.
    return [*names, "python2", "python", "python3", "/usr/bin/python3"]


def _from(launcher: Path, place: Path) -> str:
    return os.path.relpath(place.resolve(), launcher.parent.resolve())


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def _head_of(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        return stream.read(300).decode("utf-8", "replace")

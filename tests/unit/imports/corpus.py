"""The corpus under `tests/data/imports`: cases with sources and the answer that is right.

A case begins with `##### its name`, goes on with `##### option ...` and `##### file PATH` sections (one
without files has its text in `main.py`) and ends with `##### expect` and lines of `what it is` and names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

DIRECTORY = Path(__file__).parents[2] / "data" / "imports"
_MARK = "##### "


@dataclass
class Case:
    """One idiom and its answer."""

    name: str
    files: dict[str, list[str]] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    mapping: dict[str, str] = field(default_factory=dict)
    expected: dict[str, set[str]] = field(default_factory=dict)

    def write(self, directory: Path) -> None:
        """Put the files of the case on disk."""
        for name, lines in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def cases(directory: Path = DIRECTORY) -> Iterator[Case]:
    """Every case of the corpus, or of another directory of the same form."""
    for path in sorted(directory.glob("*.txt")):
        yield from _parse(path)


def _parse(path: Path) -> Iterator[Case]:
    case: Case | None = None
    section = "expect"
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith(_MARK):
            assert case is not None
            _add_line(case, section, line)
            continue
        word, _, rest = line.removeprefix(_MARK).partition(" ")
        if word == "expect":
            section = "expect"
        elif case is not None and section != "expect" and word == "option":
            _add_option(case, rest)
        elif case is not None and section != "expect" and word == "file":
            section = rest
            case.files[section] = []
        else:
            if case is not None:
                yield case
            case, section = Case(f"{path.stem}: {line.removeprefix(_MARK)}"), "main.py"
    if case is not None:
        yield case


def _add_option(case: Case, text: str) -> None:
    word, _, rest = text.partition(" ")
    if word == "mapping":
        case.mapping = dict(pair.split("=", 1) for pair in rest.split())
    else:
        name, _, value = text.partition("=")
        case.options[name] = value


def _add_line(case: Case, section: str, line: str) -> None:
    if section == "expect":
        what, *names = line.split()
        case.expected[what] = set(names)
    else:
        case.files.setdefault(section, []).append(line)

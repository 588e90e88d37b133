"""How many single programs `pannier analyze` answers exactly right, against labels that somebody gave them.

    python benchmarks/analyze_programs.py LABELS.json [--pannier PATH] [--misses]

The programs are not here: they are other people's. LABELS.json names them, relative to itself:

    {"gists/plot.py": {"needed": ["numpy", "opencv-python|opencv-python-headless"], "allowed": ["tabulate"]}}

`needed` has to be found, one of several where `|` parts them; `allowed` may be. A program is exact when
nothing needed lacks and nothing else is found. Each is read alone in a directory of its own, without a
metadata block (PEP 723), which would tell. A run that fails finds nothing.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

_BLOCK = re.compile(rb"(?ms)^# /// script[ \t]*\r?$.*?^# ///[ \t]*\r?$")
_COUNTED: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "all": lambda _: True,
    "without guesses": lambda project: project["confidence"] != "guess",
    "without optional ones": lambda project: not project["optional"],
}


class Answer(NamedTuple):
    """What was found in one program; no projects where the run failed."""

    name: str
    failed: bool
    projects: Sequence[Mapping[str, Any]]


class Verdict(NamedTuple):
    """One program's answer against its label."""

    right: int
    lacking: tuple[str, ...]
    wrong: tuple[str, ...]


def read(program: Path, name: str, pannier: str) -> Answer:
    """Run `pannier analyze` on a copy of one program."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / program.name
        copy.write_bytes(
            _BLOCK.sub(lambda match: b"#" + b"\n#" * match[0].count(b"\n"), program.read_bytes(), 1)
        )
        run = subprocess.run([pannier, "analyze", "--json", str(copy)], capture_output=True, check=False)
    try:
        document = json.loads(run.stdout)
    except ValueError:
        return Answer(name, True, ())
    return Answer(name, not document["ok"], document["result"]["projects"] if document["ok"] else ())


def judge(found: set[str], label: Mapping[str, Sequence[str]]) -> Verdict:
    """Hold what was found against a label."""
    choices = [{canonicalize_name(one) for one in needed.split("|")} for needed in label["needed"]]
    allowed = {canonicalize_name(one) for one in label.get("allowed", ())}.union(*choices)
    lacking = [needed for needed, names in zip(label["needed"], choices, strict=True) if not names & found]
    return Verdict(len(choices) - len(lacking), tuple(lacking), tuple(sorted(found - allowed)))


def report(answers: Sequence[Answer], labels: Mapping[str, Any], *, misses: bool) -> None:
    """Print one line for each way of counting, and the misses of the first."""
    for way, counts in _COUNTED.items():
        verdicts = {
            answer.name: judge(
                {canonicalize_name(one["name"]) for one in answer.projects if counts(one)},
                labels[answer.name],
            )
            for answer in answers
        }
        right = sum(verdict.right for verdict in verdicts.values())
        wrong = sum(len(verdict.wrong) for verdict in verdicts.values())
        lacking = sum(len(verdict.lacking) for verdict in verdicts.values())
        bad = {name: one for name, one in verdicts.items() if one.lacking or one.wrong}
        bad |= {answer.name: verdicts[answer.name] for answer in answers if answer.failed}
        print(
            f"{way:22} exact {1 - len(bad) / len(verdicts):.3f} of {len(verdicts)}, "
            f"precision {right / max(1, right + wrong):.3f}, recall {right / max(1, right + lacking):.3f}"
        )
        if misses and way == "all":
            for name, verdict in bad.items():
                print(f"    {name}: lacks {verdict.lacking}, wrong {verdict.wrong}")
    print(f"{'failed runs':22} {sum(answer.failed for answer in answers)}")


def main() -> None:
    """Read every labelled program and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("labels", type=Path)
    parser.add_argument(
        "--pannier", default=shutil.which("pannier") or str(Path(sys.executable).parent / "pannier")
    )
    parser.add_argument("--misses", action="store_true", help="name each program that is not exact")
    arguments = parser.parse_args()
    labels = json.loads(arguments.labels.read_text())
    answers = [read(arguments.labels.parent / name, name, arguments.pannier) for name in labels]
    report(answers, labels, misses=arguments.misses)


if __name__ == "__main__":
    main()

"""What large projects declare against what is found in their sources, by Pannier and its peers, in one run.

    python benchmarks/analyze_accuracy.py [PROJECT...] [--limit SECONDS]

Each project's sdist is fetched as `pannier lock` names it; its own PKG-INFO is the truth. What is read is a
copy of the packages that it installs, without their tests and without what declares anything. *Recall* is
over what it declares without an extra, for CPython 3.12 on Linux; *precision* is over all that it declares,
for code may import what an extra brings. pigar asks the index; pipreqs, FawltyDeps and deptry get an
environment that has the project and all it declares; Pannier's second column has the declarations.
A run that fails or takes too long finds nothing.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import urllib.request
from collections.abc import Callable
from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from stack import WORK, installed

PROJECTS = (
    "Django", "scikit-learn", "Twisted", "pandas", "celery", "Scrapy", "Sphinx", "black", "jupyterlab",
    "locust", "httpie", "streamlit",
)  # fmt: skip
PEERS = ("pipreqs", "pigar", "fawltydeps", "deptry")
_PLACE = WORK / "accuracy"
# Seconds for each run of a tool; `--limit` adds its own.
_LIMITS = [120.0]
_MARKERS = {"python_version": "3.12", "python_full_version": "3.12.1", "sys_platform": "linux", "extra": ""}


class Sdist(NamedTuple):
    """One project, unpacked.

    Attributes:
        name: Normalized.
        directory: A copy of the packages that it installs.
        needed: What it declares without an extra.
        declared: All that it declares.
        environment: The Python of an environment that has it.
    """

    name: str
    directory: Path
    needed: frozenset[str]
    declared: frozenset[str]
    environment: Path


class Score(NamedTuple):
    """How well one tool did on one project."""

    right: int
    found: int
    recalled: int
    needed: int


def fetch(project: str, pannier: Path) -> Sdist:
    """Fetch and unpack one sdist, and install the project where the peers can look at it."""
    name = canonicalize_name(project)
    place = _PLACE / name
    place.mkdir(parents=True, exist_ok=True)
    lock = place / "pylock.toml"
    if not lock.exists():
        (place / "requirements.txt").write_text(f"{project}\n")
        command = [pannier, "lock", place / "requirements.txt", "-o", lock, "--python", "3.12"]
        subprocess.run(command, check=True, capture_output=True)
    locked = tomllib.loads(lock.read_text())["packages"]
    sdist = next(package["sdist"] for package in locked if canonicalize_name(package["name"]) == name)
    archive = place / "sdist.tar.gz"
    if not archive.exists():
        with urllib.request.urlopen(sdist["url"]) as answer:
            archive.write_bytes(answer.read())
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == sdist["hashes"]["sha256"]
    with tarfile.open(archive) as opened:
        opened.extractall(place / "source", filter="data")
    (directory,) = (path for path in (place / "source").iterdir() if path.is_dir())
    needed, declared = _declared((directory / "PKG-INFO").read_text("utf-8"))
    environment = _environment(project, place)
    return Sdist(name, _packages(project, directory, environment), needed, declared, environment)


def _packages(project: str, sources: Path, environment: Path) -> Path:
    """Copy the packages that a project installs out of its sources, the first of each name from above."""
    ask = f"from importlib.metadata import files; print(*{{f.parts[0] for f in files({project!r})}})"
    installed = subprocess.run(
        [environment, "-c", ask], check=True, capture_output=True, text=True
    ).stdout.split()
    code = sources.parent.parent / "code"
    shutil.rmtree(code, ignore_errors=True)
    found = sorted(sources.rglob("__init__.py"), key=lambda path: (len(path.parts), path))
    for name in installed:
        package = next((path.parent for path in found if path.parent.name == name), None)
        if package is not None and "." not in name:
            ignore = shutil.ignore_patterns("tests", "test", "testing", "docs")
            shutil.copytree(package, code / name, ignore=ignore)
    return code


def _declared(metadata: str) -> tuple[frozenset[str], frozenset[str]]:
    listed = [Requirement(text) for text in HeaderParser().parsestr(metadata).get_all("Requires-Dist", [])]
    needed = {
        canonicalize_name(item.name) for item in listed if not item.marker or item.marker.evaluate(_MARKERS)
    }
    return frozenset(needed), frozenset(canonicalize_name(item.name) for item in listed)


def _environment(project: str, place: Path) -> Path:
    python = place / "venv" / "bin" / "python"
    if not python.exists():
        uv(["venv", "--quiet", place / "venv"])
        uv(["pip", "install", "--quiet", "--python", python, project])
    return python


def uv(words: list[str | Path]) -> None:
    """Run uv."""
    from uv import find_uv_bin

    subprocess.run([find_uv_bin(), *words], check=True)


def run(command: list[str | Path], directory: Path = _PLACE) -> str:
    """What a tool prints; nothing when it fails or takes too long."""
    try:
        return subprocess.run(
            command,
            cwd=directory,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LIMITS[-1],
            stdin=subprocess.DEVNULL,
        ).stdout
    except subprocess.TimeoutExpired:
        return ""


def with_pannier(sdist: Sdist, tools: Path) -> set[str]:
    """The projects that Pannier says the sources cannot do without."""
    answer = json.loads(run([tools / "pannier", "analyze", sdist.directory, "--json"]))
    return {item["name"] for item in answer["result"]["projects"] if not item["optional"]}


def with_declarations(sdist: Sdist, tools: Path) -> set[str]:
    """The same beside a file that declares what the project does, as its makers have it."""
    extra = sorted(sdist.declared - sdist.needed)
    table = f"[project]\nname = {sdist.name!r}\nversion = '1'\ndependencies = {sorted(sdist.needed)}\n"
    path = sdist.directory / "pyproject.toml"
    path.write_text(f"{table}[project.optional-dependencies]\nall = {extra}\n")
    try:
        return with_pannier(sdist, tools)
    finally:
        path.unlink()


def with_pipreqs(sdist: Sdist, _: Path) -> set[str]:
    """What pipreqs prints, beside an environment: its other way asks an index that is gone."""
    uv(["pip", "install", "--quiet", "--python", sdist.environment, "pipreqs"])
    command: list[str | Path] = [sdist.environment, "-m", "pipreqs.pipreqs", sdist.directory, "--print"]
    printed = run([*command, "--use-local", "--mode", "no-pin"])
    return {line.strip() for line in printed.splitlines() if re.fullmatch(r"[\w.-]+", line.strip())}


def with_pigar(sdist: Sdist, tools: Path) -> set[str]:
    """What pigar writes, when it answers its own questions."""
    output = _PLACE / f"{sdist.name}-pigar.txt"
    output.unlink(missing_ok=True)
    command = [
        tools / "pigar",
        "generate",
        "-f",
        output,
        "--question-answer",
        "no",
        "--auto-select",
        sdist.directory,
    ]
    run(command)
    lines = output.read_text().splitlines() if output.exists() else []
    return {re.split(r"[=<>~! ;\[]", line)[0] for line in lines if line and line[0] not in "#-"}


def with_fawltydeps(sdist: Sdist, tools: Path) -> set[str]:
    """What is declared and used, and what is used without being declared, as FawltyDeps sees it."""
    command = [tools / "fawltydeps", "--json", "--pyenv", sdist.environment.parents[1]]
    printed = run([*command, "--code", sdist.directory, "--deps", _requirements(sdist)])
    if not printed:
        return set()
    answer = json.loads(printed)
    unused = {canonicalize_name(item["name"]) for item in answer["unused_deps"] or []}
    return (set(sdist.needed) - unused) | {item["name"] for item in answer["undeclared_deps"] or []}


def with_deptry(sdist: Sdist, _: Path) -> set[str]:
    """The same of deptry, which runs beside the environment that it looks at."""
    output = _PLACE / f"{sdist.name}-deptry.json"
    output.unlink(missing_ok=True)
    requirements = _requirements(sdist)
    uv(["pip", "install", "--quiet", "--python", sdist.environment, "deptry"])
    command: list[str | Path] = [sdist.environment, "-m", "deptry", sdist.directory, "--json-output", output]
    run(
        [*command, "--requirements-files", requirements, "--config", requirements.with_name("none.toml")],
        _PLACE,
    )
    if not output.exists():
        return set()
    issues = json.loads(output.read_text())
    unused = {canonicalize_name(item["module"]) for item in issues if item["error"]["code"] == "DEP002"}
    return (set(sdist.needed) - unused) | {
        item["module"] for item in issues if item["error"]["code"] in {"DEP001", "DEP003"}
    }


def _requirements(sdist: Sdist) -> Path:
    path = _PLACE / sdist.name / "declared" / "requirements.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{name}\n" for name in sorted(sdist.needed)))
    path.with_name("none.toml").write_text("[tool.deptry]\n")
    return path


def score(sdist: Sdist, names: set[str]) -> Score:
    """Compare what was found with what is declared; the project itself is neither."""
    found = {canonicalize_name(name) for name in names} - {sdist.name}
    return Score(len(found & sdist.declared), len(found), len(found & sdist.needed), len(sdist.needed))


def _tools() -> Path:
    place = _PLACE / "tools"
    if not (place / "bin" / "deptry").exists():
        uv(["venv", "--quiet", "--python", sys.executable, place])
        uv(["pip", "install", "--quiet", "--python", place / "bin" / "python", *PEERS])
    return place / "bin"


def main() -> None:
    """Print a table: a line for each project, precision and recall for each tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("projects", nargs="*", default=PROJECTS)
    parser.add_argument("--limit", type=float, default=120, metavar="SECONDS", help="for each run of a tool")
    options = parser.parse_args()
    _LIMITS.append(options.limit)
    pannier = installed() / "pannier"
    tools = _tools()
    ways: dict[str, tuple[Callable[[Sdist, Path], set[str]], Path]] = {
        "pannier": (with_pannier, pannier.parent),
        "and declarations": (with_declarations, pannier.parent),
        "pipreqs": (with_pipreqs, tools),
        "pigar": (with_pigar, tools),
        "FawltyDeps": (with_fawltydeps, tools),
        "deptry": (with_deptry, tools),
    }
    print(f"| precision/recall | declared | {' | '.join(ways)} |\n| --- | --- |{' --- |' * len(ways)}")
    sums: dict[str, list[Score]] = {name: [] for name in ways}
    for project in options.projects:
        sdist = fetch(project, pannier)
        cells = []
        for name, (way, place) in ways.items():
            sums[name].append(score(sdist, way(sdist, place)))
            cells.append(_shown(sums[name][-1]))
        print(f"| {project} | {len(sdist.needed)} | {' | '.join(cells)} |", flush=True)
    totals = [Score(*map(sum, zip(*scores, strict=True))) for scores in sums.values()]
    print(f"| **all** | {totals[0].needed} | {' | '.join(map(_shown, totals))} |")


def _shown(score: Score) -> str:
    precision = score.right / score.found if score.found else 0.0
    recall = score.recalled / score.needed if score.needed else 1.0
    return f"{precision:.2f} / {recall:.2f}"


if __name__ == "__main__":
    main()

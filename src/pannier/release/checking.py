"""Whether what was built is fit to be released: twine's checks, its metadata, its files, importing it."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from pannier.environment.installed import installed_distributions
from pannier.formats.core_metadata import parse_core_metadata
from pannier.formats.wheels import normalize_project
from pannier.model.errors import BuildError, ReleaseError
from pannier.model.release import Distribution, Problem
from pannier.release.building import Bench, IsolatedEnvironment
from pannier.release.contents import member_names, read_metadata

# What nobody means to install for everyone who installs the project.
_STRAY = {"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks",
    "build", "dist", "scripts", "src", "setup", "conftest", "noxfile", "tasks", "fabfile"}  # fmt: skip
_SECRETS = {".pypirc", ".netrc", ".env", ".htpasswd", ".git-credentials", "id_rsa", "id_ed25519", "id_ecdsa"}
_MODULE_ENDINGS = (".py", ".pyi", ".so", ".pyd", ".pth", ".abi3.so")
_TRY = """\
import importlib, json, sys, traceback
failures = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException as error:
        failures[name] = traceback.format_exception_only(type(error), error)[-1].strip()
sys.stdout.write("\\n" + json.dumps(failures))
"""


def check_distributions(
    distributions: Sequence[Distribution],
    name: str,
    version: str,
    *,
    allowed: Collection[str] = (),
    strict: bool = True,
    environ: Mapping[str, str],
) -> list[Problem]:
    """Look into the distributions for what should not be released.

    Args:
        distributions: What was built.
        name: The project's name, as it is to be.
        version: Its version.
        allowed: What a wheel may install beside the project's modules.
        strict: Take a missing README for a problem.
        environ: Environment variables.

    Returns:
        Everything that is wrong, by distribution.
    """
    problems: list[Problem] = []
    for distribution in distributions:
        problems += _metadata_problems(distribution, name, version)
        problems += _file_problems(distribution, allowed)
    problems += _twine_problems(distributions, environ, strict=strict)
    return problems


def try_wheel(wheel: Distribution, name: str, bench: Bench) -> tuple[tuple[str, ...], list[Problem]]:
    """Install the wheel into a fresh environment, and import every module it brings.

    Returns:
        The modules that were imported, and what went wrong.
    """
    with tempfile.TemporaryDirectory(prefix="pannier-trial-") as place:
        try:
            environment = IsolatedEnvironment(Path(place, "environment"), bench.trial, bench)
            environment.install(str(wheel.path))
        except BuildError as error:
            output = str(error.facts.get("output", ""))
            return (), [Problem(wheel.filename, f"it cannot be installed:\n{output}", "see what it requires")]
        modules = _modules(environment.prefix, name)
        if not modules:
            return (), []
        return modules, _import(environment, modules, wheel, Path(place))


def _modules(prefix: Path, name: str) -> tuple[str, ...]:
    wanted = normalize_project(name)
    installed = installed_distributions(prefix)
    found = next((one for one in installed if normalize_project(one.name) == wanted), None)
    return found.import_names if found else ()


def _import(
    environment: IsolatedEnvironment, modules: Sequence[str], wheel: Distribution, place: Path
) -> list[Problem]:
    done = subprocess.run(
        [environment.python_executable, "-I", "-c", _TRY, *modules],
        cwd=place,
        env={**environment.bench.variables, **environment.make_extra_environ()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    try:
        failures = json.loads(done.stdout.decode("utf-8", "replace").rpartition("\n")[2])
    except ValueError:
        failures = {", ".join(modules): f"the interpreter ended with status {done.returncode}"}
    python = environment.bench.trial.version
    return [
        Problem(
            wheel.filename,
            f"`{module}` cannot be imported with Python {python}: {reason}",
            "see what it lacks",
        )
        for module, reason in failures.items()
    ]


def _metadata_problems(distribution: Distribution, name: str, version: str) -> Iterator[Problem]:
    from packaging.version import InvalidVersion, Version

    found = parse_core_metadata(read_metadata(distribution))
    if normalize_project(found.name) != normalize_project(name):
        yield Problem(
            distribution.filename, f"its metadata names `{found.name}`, not `{name}`", "build it anew"
        )
    try:
        agrees = Version(found.version) == Version(version)
    except InvalidVersion:
        agrees = found.version == version
    if not agrees:
        sentence = f"its metadata says version {found.version or 'nothing'}, not {version}"
        yield Problem(distribution.filename, sentence, "see where the build takes the version from")


def _file_problems(distribution: Distribution, allowed: Collection[str]) -> Iterator[Problem]:
    names = member_names(distribution)
    secrets = sorted(path for path in names if path.rpartition("/")[2] in _SECRETS)
    if secrets:
        sentence = f"it holds {_listed(secrets)}, where secrets are kept"
        yield Problem(distribution.filename, sentence, "leave that out of the distribution")
    if distribution.kind == "sdist":
        return
    stray = sorted(set(_stray_names(names)) - set(allowed))
    if stray:
        sentence = f"it installs {_listed(stray)} beside the project's modules"
        remedy = f"leave it out of the wheel, or allow it with `--allow-top-level {stray[0]}`"
        yield Problem(distribution.filename, sentence, remedy)
    installed = [name for name in names if ".dist-info/" not in name]
    if not installed and b"\nRequires-Dist:" not in read_metadata(distribution):
        yield Problem(distribution.filename, "it installs nothing", "tell the build backend what to pack")


def _stray_names(names: Sequence[str]) -> Iterator[str]:
    """Top-level modules that are no project's own, and top-level files that are no modules."""
    for path in names:
        top, slash, _ = path.partition("/")
        if top.endswith((".dist-info", ".data")):
            continue
        if not slash and not top.endswith(_MODULE_ENDINGS):
            yield top
        elif top.partition(".")[0] in _STRAY:
            yield top.removesuffix(".py")


def _twine_problems(
    distributions: Sequence[Distribution], environ: Mapping[str, str], *, strict: bool
) -> Iterator[Problem]:
    """What `twine check` says of each."""
    for distribution in distributions:
        command = [
            sys.executable,
            "-m",
            "twine",
            "check",
            *(["--strict"] if strict else []),
            str(distribution.path),
        ]
        done = subprocess.run(
            command,
            env={**environ, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "1000"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            output = (done.stdout + done.stderr).decode("utf-8", "replace")
            remedy = "give it a README that can be rendered"
            if strict:
                remedy += ", or let a missing one pass with `--no-strict`"
            yield Problem(distribution.filename, f"`twine check` refuses it: {_verdict(output)}", remedy)


def _verdict(output: str) -> str:
    """Twine's reasons, without its marks and without repeating the file's name."""
    if "`long_description` missing" in output:
        return "the project has no README, no `long_description`"
    lines = (line.strip() for line in output.splitlines() if not line.startswith("Checking "))
    told = [line.removeprefix("WARNING").removeprefix("ERROR").strip(" .") for line in lines]
    return "; ".join(line for line in told if line) or "it gives no reason"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def raise_if_any(problems: Sequence[Problem]) -> None:
    """Refuse distributions that something is wrong with.

    Raises:
        ReleaseError: There is a problem; all are told.
    """
    if not problems:
        return
    facts: dict[str, list[str]] = {}
    for problem in problems:
        facts.setdefault(f"`{problem.subject}`", []).append(problem.sentence)
    remedies = tuple(dict.fromkeys(problem.remedy for problem in problems))
    raise ReleaseError(
        "what was built is not fit to be released; nothing was uploaded",
        code="release-check",
        facts={subject: "\n".join(sentences) for subject, sentences in facts.items()},
        hint="; ".join(remedies),
    )

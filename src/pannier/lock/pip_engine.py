"""Resolving with pip, for the Pythons uv has left behind.

uv takes wheels of the wrong ABI for Python 2.7 without a word, and a newer pip reads the markers of its own
Python. The last pip that runs on such a Python, run by that Python itself, does neither. It asks an index
that `old_index` serves to it alone; where it has to ask the user's indexes itself, it can.
"""

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urldefrag, urlsplit, urlunsplit

from pannier.formats.distribution_names import parse_distribution_filename
from pannier.formats.pylock import projects_for
from pannier.lock.choices import choice_lines
from pannier.lock.engine import ResolveOptions, find_builder, project_name
from pannier.lock.hashes import keep_hashed
from pannier.lock.local_projects import format_local_line
from pannier.lock.old_index import IndexSource, OldIndex
from pannier.lock.old_pages import parse_cutoff
from pannier.lock.pip_driver import driver_command, read_notes
from pannier.lock.pip_errors import error_from_pip
from pannier.lock.uv_engine import resolve_with_uv
from pannier.model.errors import FetchError, InterpreterError, LockError, PannierError, UsageError
from pannier.model.events import Reporter, Stage
from pannier.model.interpreter import Interpreter
from pannier.model.lock import Lock, LockedFile, LockedProject
from pannier.model.spec import Spec
from pannier.model.target import Platform, Target
from pannier.store.distributions import DistributionStore
from pannier.store.transfer import Transfer

PIP_PYTHONS = ("2.7", "3.5")
# The last for both of these Pythons, and the sha256 of its only wheel.
_PIP_VERSION = "20.3.4"
_PIP_SHA256 = "217ae5161a0e08c0fb873858806e3478c9775caffce5168b50ec885e358c199d"
_PIP_FILE = LockedFile(
    filename=f"pip-{_PIP_VERSION}-py2.py3-none-any.whl", url="", hashes={"sha256": _PIP_SHA256}
)
# Prints the index that pip asks where nobody names one.
_PRINT_DEFAULT = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
# A proxy or a client's certificate that pip alone was told of.
_ONLY_PIPS = ("PIP_PROXY", "PIP_CLIENT_CERT")
# What pip itself is brought for: any target that uv knows, since the wheel is the same for all.
_PIP_TARGET = Target(python_version="3.6.15", platform=Platform.parse("linux-x86_64"))
# The newest manylinux that this pip's wheels are of; what the target's own glibc is, pip cannot be told.
_LEAST_GLIBC = (2, 17)
# What the user says to pip about the network holds; what would change a resolution does not.
_KEPT = ("PIP_PROXY", "PIP_TIMEOUT", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES", "PIP_CLIENT_CERT", "PIP_CACHE_DIR")
_DROPPED = ("VIRTUAL_ENV", "CONDA_PREFIX", "LD_PRELOAD")
_ADDED = re.compile(r"Added .+? from (\S+?)(?: \(from .*\))? to build tracker")
_SEEN = re.compile(r"Found link (\S+?)#sha256=([0-9a-f]{64})\b")
# How it ends where a release is asked for that only seems to be for newer Pythons.
_PERHAPS_HIDDEN = ("requirements-unsatisfiable", "build-failed")
_REPOSITORY = re.compile(r"@\s*(git|hg|svn|bzr)\+")


class _Download(NamedTuple):
    """What pip left behind."""

    files: tuple[Path, ...]
    log: str


class _Pip(NamedTuple):
    """How pip is run: by whom, from where, and for which index of ours, if any."""

    interpreter: Interpreter
    wheel: str
    served: OldIndex | None = None


def resolve_with_pip(spec: Spec, target: Target, options: ResolveOptions, reporter: Reporter) -> Lock:
    """Let pip, run by a Python of this machine that is the target's, choose and fetch; lock what it took."""
    interpreter = _interpreter_for(target, options)
    _refuse_unsupported(spec, target)
    program = find_pip(interpreter, options, reporter)[-1]
    pip = _Pip(interpreter, "" if program == "pip" else str(Path(program).parent))
    projects = None
    if source := _source(target, pip, options, reporter):
        projects = _resolve_served(spec, target, pip, source, options, reporter)
    if projects is None:
        _refuse_dates(target, options)
        projects = _resolve(spec, target, pip, options, reporter)
    return keep_hashed(Lock(projects=tuple(sorted(projects, key=lambda project: project.name))), spec)


def _resolve_served(
    spec: Spec, target: Target, pip: _Pip, source: IndexSource, options: ResolveOptions, reporter: Reporter
) -> tuple[LockedProject, ...] | None:
    """Resolve with an index of ours; `None` where only pip can have what the user's index refuses us."""
    names = [project_name(line) for line in spec.requirements]
    if options.prefer:
        names += [project.name for project in options.prefer.projects]
    try:
        with OldIndex(source) as index:
            index.expect([name for name in names if name])
            try:
                return _resolve(spec, target, pip._replace(served=index), options, reporter)
            except PannierError as error:
                is_hidden = index.hides_some and error.code in _PERHAPS_HIDDEN
                if index.failure is None and not is_hidden:
                    raise
            if index.failure is None:
                whole = replace(source, keeps_left_behind=True)
                return _resolve_served(spec, target, pip, whole, options, reporter)
            if index.failure.code == "index-refused":
                return None  # pip knows keyrings
            raise index.failure
    finally:
        source.transfer.close()


def _resolve(
    spec: Spec, target: Target, pip: _Pip, options: ResolveOptions, reporter: Reporter
) -> tuple[LockedProject, ...]:
    with tempfile.TemporaryDirectory(prefix="pannier-lock-") as name:
        download = _download(spec, target, pip, options, reporter, Path(name))
        return tuple(_projects(download, pip.served, skip_unknown=bool(spec.local_projects)))


def _source(target: Target, pip: _Pip, options: ResolveOptions, reporter: Reporter) -> IndexSource | None:
    """Say what to serve pip from; `None` where there is no index, or it is reached as only pip can."""
    environ: Mapping[str, str] = os.environ if options.environ is None else options.environ
    said = options.indexes.to_pip_environment(environ)
    urls = [said.get("PIP_INDEX_URL") or _default_index(pip), *said.get("PIP_EXTRA_INDEX_URL", "").split()]
    remote = [url for url in urls if url.startswith(("http://", "https://"))]
    if not remote or "PIP_NO_INDEX" in said or any(environ.get(name) for name in _ONLY_PIPS):
        return None
    settings, directories = options.indexes, options.directories
    return IndexSource(
        index_urls=remote,
        interpreter=pip.interpreter,
        target=target,
        store=DistributionStore(directories, settings, options.offline, reporter, environ),
        transfer=Transfer(replace(settings, credential_urls=(*settings.credential_urls, *remote)), environ),
        offline=options.offline,
        cutoff=parse_cutoff(options.exclude_newer) if options.exclude_newer else None,
    )


def _default_index(pip: _Pip) -> str:
    """Ask pip which index it takes where nobody names one; empty where it does not say."""
    command = [pip.interpreter.python_executable, "-c", _PRINT_DEFAULT]
    environ = {**os.environ, "PYTHONPATH": pip.wheel, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _interpreter_for(target: Target, options: ResolveOptions) -> Interpreter:
    found = find_builder(target, options)
    if found is None or found.implementation != "cpython":
        raise InterpreterError(
            f"locking for Python {target.python_minor} needs a Python {target.python_minor} on this machine",
            code="interpreter-not-found",
            facts={"target": str(target), "why": "uv does not resolve for it, and its own pip needs it"},
            hint=f"have `python{target.python_minor}` on PATH, or lock on a machine that has one",
        )
    return found


def _refuse_dates(target: Target, options: ResolveOptions) -> None:
    if options.exclude_newer:
        raise UsageError(
            f"`--exclude-newer` cannot be kept for Python {target.python_minor}: its pip knows no dates",
            code="exclude-newer-unsupported",
            facts={"target": str(target)},
            hint="bound the versions with `--constraint`",
        )


def _refuse_unsupported(spec: Spec, target: Target) -> None:
    platform = target.platform
    glibc = tuple(int(part) for part in platform.libc_version.split("."))
    if platform.libc_family == "glibc" and glibc < _LEAST_GLIBC:
        raise UsageError(
            f"Python {target.python_minor} can be locked for glibc 2.17 and newer only",
            code="platform-unsupported",
            facts={"target": str(target)},
            hint="choose another `--platform`",
        )
    if repositories := [line for line in spec.requirements if _REPOSITORY.search(line)]:
        raise LockError(
            "the spec asks for what a lock cannot hold",
            code="lock-unsupported",
            facts={"repositories": [f"`{line}`" for line in repositories]},
            hint="name released versions",
        )


def find_pip(interpreter: Interpreter, options: ResolveOptions, reporter: Reporter) -> list[str]:
    """Give the command line of the last pip: the interpreter's own, or one brought here."""
    for directory in interpreter.site_packages:
        if Path(directory, f"pip-{_PIP_VERSION}.dist-info").is_dir():
            return [interpreter.python_executable, "-m", "pip"]
    store = DistributionStore(
        options.directories, options.indexes, options.offline, reporter, options.environ
    )
    if store.has(_PIP_FILE):
        return [interpreter.python_executable, str(store.path_of(_PIP_FILE) / "pip")]
    plain = replace(options, constraints=(), exclude_newer="", prefer=None, interpreters=())
    try:
        lock = resolve_with_uv(Spec(requirements=(f"pip=={_PIP_VERSION}",)), _PIP_TARGET, plain, reporter)
        file = next(
            wheel for project in lock.projects for wheel in project.wheels if wheel.sha256 == _PIP_SHA256
        )
        wheel = store.fetch([file])[_PIP_SHA256]
    except (LockError, FetchError, StopIteration) as error:
        if isinstance(error, FetchError) and error.code == "index-refused":
            raise
        raise FetchError(
            f"pip {_PIP_VERSION}, which resolves for Python {interpreter.target.python_minor}, cannot be had",
            code="pip-missing",
            facts={"reason": str(error) or "the index has another file under that name"},
            hint=f"let the index have it, or run `{interpreter.python_executable} -m pip install "
            f"pip=={_PIP_VERSION}`",
        ) from error
    return [interpreter.python_executable, str(wheel / "pip")]


def _download(
    spec: Spec,
    target: Target,
    pip: _Pip,
    options: ResolveOptions,
    reporter: Reporter,
    directory: Path,
) -> _Download:
    """Download with the versions of the lock that is to be kept; where they do not fit together, without."""
    lines = [*choice_lines(spec), *spec.requirements]
    lines += [format_local_line(project, Path(project.path).absolute()) for project in spec.local_projects]
    (directory / "requirements.in").write_text("\n".join(lines) + "\n", encoding="utf-8")
    notes = directory / "notes"
    notes.mkdir()
    output = told = ""
    command = driver_command(
        pip.interpreter.python_executable, pip.wheel, pip.served.root if pip.served else "", notes
    )
    for attempt, preferred in enumerate(dict.fromkeys([_preferences(options.prefer, target), ()])):
        bounds = "\n".join([*options.constraints, *preferred])
        (directory / "constraints.txt").write_text(bounds + "\n", encoding="utf-8")
        place, log = directory / f"files-{attempt}", directory / f"log-{attempt}"
        arguments = _arguments(place, log, options)
        status, output = _run([*command, *arguments], _environment(options, pip.served), directory, reporter)
        if pip.served:
            pip.served.keep_notes(read_notes(notes))
        told = log.read_text("utf-8", "replace") if log.is_file() else ""
        if status == 0:
            return _Download(tuple(sorted(place.iterdir())), told)
    known = pip.served.known if pip.served else ()
    raise error_from_pip(output, told, target, offline=options.offline, known=known)


def _preferences(lock: Lock | None, target: Target) -> tuple[str, ...]:
    if lock is None:
        return ()
    try:
        return tuple(f"{project.name}=={project.version}" for project in projects_for(lock, target))
    except LockError:
        return ()


def _arguments(place: Path, log: Path, options: ResolveOptions) -> list[str]:
    # On Python 2 the resolver that sees conflicts has to be asked for.
    arguments = ["download", "--use-feature=2020-resolver", "--no-input", "--disable-pip-version-check"]
    arguments += ["--dest", str(place), "--log", str(log), "-r", "requirements.in", "-c", "constraints.txt"]
    arguments += ["--progress-bar", "off"]
    arguments += ["--pre"] if options.prereleases else []
    return arguments


def _environment(options: ResolveOptions, index: OldIndex | None) -> dict[str, str]:
    environ: Mapping[str, str] = os.environ if options.environ is None else options.environ
    kept = {
        name: value
        for name, value in environ.items()
        if name not in _DROPPED
        and not name.startswith("PYTHON")
        and (not name.startswith("PIP_") or name in _KEPT)
    }
    # pip's configuration is in the index settings already, with what the command line and the spec say.
    kept["PIP_CONFIG_FILE"] = os.devnull
    said = options.indexes.to_pip_environment(environ, offline=options.offline)
    if index:
        urls = [said.get("PIP_INDEX_URL", ""), *said.get("PIP_EXTRA_INDEX_URL", "").split()]
        # Directories are left to pip, which reads them as they are.
        local = " ".join(url for url in urls if url and not url.startswith(("http://", "https://")))
        said |= {"PIP_INDEX_URL": index.url, "PIP_EXTRA_INDEX_URL": local, "PIP_NO_INDEX": ""}
        for name in ("no_proxy", "NO_PROXY"):
            kept[name] = f"{kept.get(name, '')},127.0.0.1".lstrip(",")
    kept.update({name: value for name, value in said.items() if value})
    return kept


def _run(
    command: list[str], environment: Mapping[str, str], directory: Path, reporter: Reporter
) -> tuple[int, str]:
    stage = Stage(name="collecting", unit="items")
    reporter.begin(stage)
    lines: list[str] = []
    try:
        with subprocess.Popen(
            command,
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            assert process.stdout is not None
            for raw in process.stdout:
                line = raw.decode("utf-8", "replace").rstrip()
                lines.append(line)
                if line.startswith("Collecting "):
                    reporter.advance(stage, 1, line.split()[1])
    finally:
        reporter.end(stage)
    return process.returncode, "\n".join(lines)


def _projects(download: _Download, index: OldIndex | None, *, skip_unknown: bool) -> Iterator[LockedProject]:
    """Give each file its project; an archive that pip made of a local project came from no URL."""
    urls = list(dict.fromkeys(_ADDED.findall(download.log)))
    sdists = _sdists_seen(download.log)
    refused: list[str] = []
    for path in download.files:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        url = _url_of(path.name, digest, urls)
        if not url and skip_unknown:
            continue
        is_served = index is not None and index.is_own(url)
        project = _project(path, url, digest) if url and not is_served else None
        if index is not None and is_served:
            project = index.project_of(url, digest)
        if project is None:
            refused.append(f"`{path.name}`")
        else:
            # An older pip, which does not know a wheel's manylinux, takes the sdist instead.
            sdist = project.sdist or sdists.get((project.name, project.version))
            if sdist is None and index is not None:
                sdist = index.sdist_of(project.name, project.version)
            yield replace(project, sdist=sdist)
    if refused:
        raise LockError(
            "pip took files that a lock cannot hold",
            code="lock-unsupported",
            facts={"found": refused, "allowed": "wheels, and sdists as .tar.gz or .zip"},
            hint="choose other versions with `--constraint`",
        )


def _sdists_seen(log: str) -> dict[tuple[str, str], LockedFile]:
    """Every sdist that an index offered with its hash, by project and version."""
    found: dict[tuple[str, str], LockedFile] = {}
    for url, digest in dict.fromkeys(_SEEN.findall(log)):
        filename = unquote(urlsplit(url).path.rsplit("/", 1)[-1])
        if filename.endswith((".tar.gz", ".zip")) and (name := parse_distribution_filename(filename)):
            file = LockedFile(filename=filename, url=_without_credentials(url), hashes={"sha256": digest})
            found[name.project, name.version] = file
    return found


def _without_credentials(url: str) -> str:
    """They stay in the configuration that they came from."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _url_of(filename: str, digest: str, urls: list[str]) -> str:
    for text in urls:
        url, fragment = urldefrag(text)
        same_name = unquote(urlsplit(url).path.rsplit("/", 1)[-1]) == filename
        if same_name and (not fragment.startswith("sha256=") or fragment == f"sha256={digest}"):
            return _without_credentials(url)
    return ""


def _project(path: Path, url: str, digest: str) -> LockedProject | None:
    found = parse_distribution_filename(path.name)
    if found is None or not found.version or not path.name.endswith((".whl", ".tar.gz", ".zip")):
        return None
    file = LockedFile(filename=path.name, url=url, hashes={"sha256": digest}, size=path.stat().st_size)
    if found.kind == "wheel":
        return LockedProject(name=found.project, version=found.version, wheels=(file,))
    return LockedProject(name=found.project, version=found.version, sdist=file)

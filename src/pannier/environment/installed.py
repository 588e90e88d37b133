"""What is installed in an environment, read from its metadata alone.

Reads PEP 376/427 `.dist-info` and setuptools' `.egg-info` and `.egg-link`, PEP 610's `direct_url.json`, and
conda's `conda-meta`. No process is started and no metadata parser loaded: a whole analysis has 0.25 s.
"""

# ruff: noqa: PTH110, PTH112, PTH113, PTH122, PTH123
# os.path: this opens hundreds of files within a few hundredths of a second.

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pannier.model.interpreter import InstalledDistribution, Interpreter
from pannier.model.names import normalized_name

_TOP_PACKAGE = re.compile(r'^([^/,"\n]+)/__init__\.py,', re.MULTILINE)
_EXTENSION_MODULE = re.compile(r"\.(cpython-[\w-]+|abi3|pypy[\w-]+)?\.?so$|\.so$")
_CAN_IMPORT = re.compile(r"[^\n]*\.(?:py|so|pth)\"?,")
_NOT_PACKAGES = (".dist-info", ".egg-info", ".data", ".libs", "__pycache__")
# Finders and path files that installers write for themselves; nobody imports them by these names.
_INSTALLER_FILES = ("__editable__", "_virtualenv", "distutils-precedence")


def installed_distributions(environment: Path | Interpreter) -> tuple[InstalledDistribution, ...]:
    """Read what an environment has installed, the first one found of each project, as on `sys.path`.

    Args:
        environment: A prefix (venv, conda or plain), or a probed interpreter.

    Returns:
        Sorted by normalized name; `python` among them for a conda prefix.
    """
    found: dict[str, InstalledDistribution] = {}
    for directory in site_directories(environment):
        for distribution in _distributions_in(directory):
            found.setdefault(normalized_name(distribution.name), distribution)
    prefix = Path(environment.prefix) if isinstance(environment, Interpreter) else environment
    for distribution in _conda_packages(prefix):
        found.setdefault(normalized_name(distribution.name), distribution)
    return tuple(distribution for _, distribution in sorted(found.items()))


def site_directories(environment: Path | Interpreter) -> list[Path]:
    """Where an environment keeps distributions, in the order of `sys.path`."""
    if isinstance(environment, Interpreter):
        return [Path(directory) for directory in environment.site_packages]
    directories = _site_directories(environment)
    configuration = _read_configuration(environment / "pyvenv.cfg")
    if configuration.get("include-system-site-packages", "").lower() == "true" and (
        home := configuration.get("home")
    ):
        directories += _site_directories(Path(home).parent, only={path.parent.name for path in directories})
    return directories


def _site_directories(prefix: Path, only: Iterable[str] = ()) -> list[Path]:
    """Find `site-packages` below a prefix, and Debian's `dist-packages` in the order of its site.py."""
    wanted = set(only)
    patterns = ["lib/python*/site-packages", "lib64/python*/site-packages"]
    patterns += ["local/lib/python*/dist-packages", "lib/python3/dist-packages", "lib/python*/dist-packages"]
    directories: list[Path] = []
    seen: set[str] = set()
    for pattern in patterns:
        for directory in sorted(prefix.glob(pattern), key=_newest_first):
            minor = directory.parent.name
            real = os.path.realpath(directory)
            if real in seen or (wanted and minor != "python3" and minor not in wanted):
                continue
            seen.add(real)
            directories.append(directory)
    return directories


def _newest_first(directory: Path) -> tuple[int, ...]:
    return tuple(-int(number) for number in re.findall(r"\d+", directory.parent.name))


def _read_configuration(path: Path) -> dict[str, str]:
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return {}
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _distributions_in(directory: Path) -> Iterator[InstalledDistribution]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    for name in names:
        place = os.path.join(directory, name)
        if name.endswith(".dist-info"):
            distribution = _from_dist_info(place, name)
        elif name.endswith(".egg-info"):
            distribution = _from_egg_info(place, name)
        elif name.endswith(".egg-link"):
            distribution = _from_egg_link(place, name)
        elif name.endswith(".egg") and os.path.isdir(place):
            distribution = _from_egg_info(os.path.join(place, "EGG-INFO"), name)
        else:
            continue
        if distribution is not None:
            yield distribution


def _lines(*parts: str) -> list[str]:
    try:
        with open(os.path.join(*parts), encoding="utf-8", errors="replace") as stream:
            return stream.read().splitlines()
    except OSError:
        return []


def _name_and_version(metadata_file: str, stem: str) -> tuple[str, str]:
    """Take the two headers from the top; the directory's name stands in for a lost METADATA."""
    name = version = ""
    try:
        with open(metadata_file, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                if not line.strip() or (name and version):
                    break
                key, _, value = line.partition(":")
                if key.lower() == "name":
                    name = value.strip()
                elif key.lower() == "version":
                    version = value.strip()
    except OSError:
        pass
    from_name, _, from_version = stem.partition("-")
    return name or from_name, version or from_version.partition("-")[0]


def _from_dist_info(place: str, filename: str) -> InstalledDistribution | None:
    name, version = _name_and_version(os.path.join(place, "METADATA"), filename.removesuffix(".dist-info"))
    if not name or name.startswith("~"):  # `~name` is what an interrupted pip leaves behind
        return None
    packages, recorded = _read_record(os.path.join(place, "RECORD"))
    editable = _direct_url_directory(place)
    names = tuple(sorted({*packages, *_import_names(recorded)}))
    if editable and not names:
        names = _editable_names(os.path.dirname(place), recorded, editable)
    if not names:
        names = _top_level(place)
    return InstalledDistribution(name=name, version=version, import_names=names, editable_path=editable)


def _from_egg_info(place: str, filename: str) -> InstalledDistribution | None:
    stem = filename.removesuffix(".egg-info").removesuffix(".egg")
    metadata = os.path.join(place, "PKG-INFO") if os.path.isdir(place) else place
    name, version = _name_and_version(metadata, stem)
    if not name:
        return None
    installed = _egg_installed_files(place)
    names = _import_names(installed) or _top_level(place) or _top_level_guess(place, name)
    return InstalledDistribution(name=name, version=version, import_names=names)


def _egg_installed_files(place: str) -> list[str]:
    paths = (
        os.path.normpath(os.path.join("x", line.strip())) for line in _lines(place, "installed-files.txt")
    )
    # Relative to the egg-info: `../yaml/__init__.py`; what leads further up is a script or data.
    return [path for path in paths if not path.startswith("..")]


def _from_egg_link(place: str, filename: str) -> InstalledDistribution | None:
    lines = [line.strip() for line in _lines(place) if line.strip()]
    if not lines:
        return None
    source = lines[0]
    stem = filename.removesuffix(".egg-link")
    for candidate in (stem, stem.replace("-", "_")):
        information = os.path.join(source, f"{candidate}.egg-info")
        if os.path.isdir(information):
            project = os.path.normpath(os.path.join(source, lines[1])) if len(lines) > 1 else source
            name, version = _name_and_version(os.path.join(information, "PKG-INFO"), stem)
            names = _top_level(information)
            return InstalledDistribution(
                name=name, version=version, import_names=names, editable_path=project
            )
    return None


def _read_record(file: str) -> tuple[set[str], list[str]]:
    """Split a RECORD into top-level packages, which hold most of its lines, and the paths of all else."""
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            text = stream.read()
    except OSError:
        return set(), []
    packages = {name for name in _TOP_PACKAGE.findall(text) if name.isidentifier()}
    if not packages:
        return packages, [_recorded_path(line) for line in text.splitlines()]
    # An expression of these names would take longer to compile than most lists take to go through.
    inside = tuple(f"{name}/" for name in packages)
    outside = [line for line in text.split("\n") if not line.startswith(inside)]
    return packages, [_recorded_path(line) for line in outside if _CAN_IMPORT.match(line)]


def _recorded_path(line: str) -> str:
    # RECORD is CSV; only paths with a comma or a quote are quoted, and quotes within are doubled.
    if line.startswith('"'):
        return line[1:].partition('",')[0].replace('""', '"')
    return line.partition(",")[0]


def _top_level(place: str) -> tuple[str, ...]:
    names = (line.strip().replace("/", ".") for line in _lines(place, "top_level.txt"))
    return tuple(sorted({name for name in names if name.replace(".", "").isidentifier()}))


def _top_level_guess(place: str, name: str) -> tuple[str, ...]:
    """Believe the project's name when a module of that name is there: Debian leaves no list at times."""
    module = re.sub(r"[-_.]+", "_", name)
    parent = os.path.dirname(place)
    for candidate in dict.fromkeys((module, module.lower())):
        if os.path.isdir(os.path.join(parent, candidate)) or os.path.isfile(
            os.path.join(parent, f"{candidate}.py")
        ):
            return (candidate,)
    return ()


def _import_names(paths: Iterable[str]) -> tuple[str, ...]:
    """Tell what can be imported from a list of installed files.

    A top-level directory with an `__init__` is a package. One without is a namespace portion (PEP 420), and
    the distribution provides what begins below it: `google/cloud/storage/__init__.py` is
    `google.cloud.storage`.
    """
    modules, directories, packages = _sort_files(paths)
    names = {module for module in modules if "." not in module}
    for top in sorted({directory.partition("/")[0] for directory in directories}):
        names.update(_below(top, modules, directories, packages))
    return tuple(sorted(name for name in names if not name.startswith(_INSTALLER_FILES)))


def _sort_files(paths: Iterable[str]) -> tuple[set[str], set[str], set[str]]:
    """Sort files into modules, directories that hold modules at some depth, and those with `__init__`."""
    modules: set[str] = set()
    directories: set[str] = set()
    packages: set[str] = set()
    for path in paths:
        if path.endswith(".py"):
            stem = path[:-3]
        elif path.endswith(".so"):
            stem = _EXTENSION_MODULE.sub("", path)
        else:
            continue
        directory, _, base = stem.rpartition("/")
        if stem.startswith(("../", "/")) or not base.isidentifier() or not _is_importable(directory):
            continue
        if directory:
            directories.add(directory)
        if base == "__init__":
            packages.add(directory)
        else:
            modules.add(stem.replace("/", "."))
    return modules, directories, packages


def _is_importable(directory: str) -> bool:
    if not directory:
        return True
    top = directory.partition("/")[0]
    return not top.endswith(_NOT_PACKAGES) and all(part.isidentifier() for part in directory.split("/"))


def _below(top: str, modules: set[str], directories: set[str], packages: set[str]) -> set[str]:
    dotted = top.replace("/", ".")
    if top in packages:
        return {dotted}
    names = {module for module in modules if module.rpartition(".")[0] == dotted}
    depth = top.count("/") + 1
    children = {"/".join(path.split("/")[: depth + 1]) for path in directories if path.startswith(f"{top}/")}
    for child in children:
        names.update(_below(child, modules, directories, packages))
    return names


def _direct_url_directory(place: str) -> str:
    """Take the project's directory from PEP 610's file, when it was installed from one, editable or not."""
    file = os.path.join(place, "direct_url.json")
    if not os.path.exists(file):
        return ""
    import json

    try:
        with open(file, encoding="utf-8") as stream:
            origin = json.load(stream)
        if "dir_info" not in origin:
            return ""
        url = str(origin["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if not url.startswith("file://"):
        return ""
    # urllib.parse would take as long to import as everything here takes to run.
    path = url.removeprefix("file://").removeprefix("localhost").encode()
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), path).decode(
        "utf-8", "replace"
    )


def _editable_names(site_packages: str, recorded: Iterable[str], project: str) -> tuple[str, ...]:
    """Look where the path files of an editable install lead, or into setuptools' generated finder."""
    names: set[str] = set()
    for path in recorded:
        if "/" in path:
            continue
        if path.endswith(".pth"):
            for line in _lines(site_packages, path):
                if os.path.isdir(line.strip()):
                    names.update(_modules_in(line.strip()))
        elif path.startswith("__editable__") and path.endswith("_finder.py"):
            names.update(_finder_names(_lines(site_packages, path)))
    if not names:
        source = os.path.join(project, "src")
        names.update(_modules_in(source if os.path.isdir(source) else project))
    return tuple(sorted(names))


def _finder_names(lines: Iterable[str]) -> set[str]:
    for line in lines:
        if line.startswith("MAPPING"):
            return set(re.findall(r"'([\w.]+)': '", line))
    return set()


def _modules_in(directory: str) -> set[str]:
    names: set[str] = set()
    try:
        entries = list(os.scandir(directory))
    except OSError:
        return names
    for entry in entries:
        stem, suffix = os.path.splitext(entry.name)
        if entry.is_dir() and os.path.isfile(os.path.join(entry.path, "__init__.py")):
            names.add(entry.name)
        elif suffix == ".py" and stem.isidentifier() and stem not in {"setup", "conftest", "noxfile"}:
            names.add(stem)
    return names - {"tests", "test", "docs"}


def _conda_packages(prefix: Path) -> Iterator[InstalledDistribution]:
    """Read `python` itself from conda's records; its Python packages have a `.dist-info` like all others."""
    try:
        names = os.listdir(prefix / "conda-meta")
    except OSError:
        return
    for name in sorted(names):
        if name.startswith("python-") and name.endswith(".json"):
            project, version, _build = name.removesuffix(".json").rsplit("-", 2)
            if project == "python":
                yield InstalledDistribution(name=project, version=version)

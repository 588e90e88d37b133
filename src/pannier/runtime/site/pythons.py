"""The Pythons of the server: where they may be, what each says of itself, whether it suits an environment."""

import glob
import json
import os
import re
import subprocess
import sys
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from pannier.runtime.errors import ArchiveError, printable

from .manifest import Environment

_PROBE_SECONDS = 30
_PLACES = (
    "/usr/local/bin",
    "/usr/bin",
    "/opt/*/bin",
    "/opt/python/*/bin",
    "/opt/rh/*/root/usr/bin",
    "~/.pyenv/versions/{minor}.*/bin",
    "~/.local/share/uv/python/cpython-{minor}.*/bin",
)

# Runs on 2.7 too. The `home` of a pyvenv.cfg leads from a virtual environment to its Python.
PROBE = r"""
import json, os, sys, sysconfig
def base():
    path = os.path.abspath(sys.executable)
    for place in (os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
        cfg = os.path.join(place, "pyvenv.cfg")
        if os.path.exists(cfg):
            for line in open(cfg):
                key, _, value = line.partition("=")
                if key.strip().lower() == "home":
                    for name in ("python%d.%d" % sys.version_info[:2], "python"):
                        if os.path.exists(os.path.join(value.strip(), name)):
                            return os.path.join(value.strip(), name)
    return path
def libc():
    try:
        # Its number: 2.7 does not know the name.
        return os.confstr(2) or ""
    except (AttributeError, ValueError, OSError):
        return ""
soabi = sysconfig.get_config_var("SOABI") or ""
if sys.version_info[0] == 2:
    malloc = sysconfig.get_config_var("WITH_PYMALLOC") in (None, 1)
    abi = "cp%d%d" % sys.version_info[:2] + ("m" if malloc else "") + ("u" if sys.maxunicode > 65535 else "")
else:
    abi = "cp" + soabi.split("-")[1] if soabi.startswith("cpython-") else soabi
real = getattr(sys, "real_prefix", None) or getattr(sys, "base_prefix", sys.prefix)
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3], "abi": abi, "executable": os.path.realpath(base()),
    "prefix": real, "machine": os.uname()[4], "libc": libc(), "is64": sys.maxsize > 2 ** 32,
    "stdlib": sysconfig.get_path("stdlib", vars={"base": real, "installed_base": real}),
    "include": sysconfig.get_path("include", vars={"base": real, "installed_base": real}),
    "implementation": sys.version_info[0] == 2 and "cpython" or sys.implementation.name,
}))
"""


class Python(NamedTuple):
    """A Python as it describes itself.

    Attributes:
        executable: The real file, never a virtual environment's.
        version: `major.minor.patch`.
        abi: ABI tag, as `cp36m`.
        prefix: Where it is installed.
        machine: As `uname -m` says.
        libc: `glibc 2.36`; empty for another C library.
        stdlib: The directory of its standard library.
        include: The directory of its C headers.
    """

    executable: str
    version: str
    abi: str
    prefix: str
    machine: str
    libc: str
    stdlib: str
    include: str

    @property
    def minor(self) -> str:
        """Its `major.minor` version."""
        return ".".join(self.version.split(".")[:2])


def clean_environment(home: str = "/nonexistent") -> Dict[str, str]:
    """Variables for what is started here: nothing of the user's that changes what Python does."""
    kept = ("PATH", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH")
    variables = {name: os.environ[name] for name in kept if name in os.environ}
    variables.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin")
    variables.update(
        HOME=home, LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1", PYTHONNOUSERSITE="1", MPLCONFIGDIR=home
    )
    return variables


def probe(executable: str) -> Optional[Python]:
    """Ask a Python what it is; `None` when it cannot be run or is no CPython."""
    try:
        done = subprocess.run(
            [executable, "-E", "-s", "-S", "-c", PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
            timeout=_PROBE_SECONDS,
            check=False,
        )
        said = json.loads(done.stdout.decode("utf-8", "replace"))
        if said["implementation"] != "cpython":
            return None
        return Python(**{name: str(said[name]) for name in Python._fields})
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
        return None


def _candidates(minor: str, preferred: Sequence[str]) -> Iterator[str]:
    """Executables that may be a Python of that minor version, each real file once."""
    name = "python" + minor
    places = [place for place in os.environ.get("PATH", "").split(os.pathsep) if place.startswith("/")]
    for pattern in _PLACES:
        places += sorted(glob.glob(os.path.expanduser(pattern.format(minor=minor))), reverse=True)
    own = [sys.executable] if "{}.{}".format(*sys.version_info[:2]) == minor and sys.executable else []
    seen = set()
    for path in list(preferred) + [os.path.join(place, name) for place in places] + own:
        real = os.path.realpath(path)
        if real not in seen and os.access(path, os.X_OK) and os.path.isfile(path):
            seen.add(real)
            yield path


class Finder:
    """Finds the Python of each environment, and asks each only once."""

    def __init__(self, chosen: Dict[str, str], preferred: Sequence[str] = ()) -> None:
        """`chosen` has executables by minor version, from the command line; `preferred` are tried first."""
        self._chosen = chosen
        self._preferred = preferred
        self._known: Dict[str, Optional[Python]] = {}

    def probe(self, executable: str) -> Optional[Python]:
        """Ask a Python what it is, or remember what it said."""
        if executable not in self._known:
            self._known[executable] = probe(executable)
        return self._known[executable]

    def find(self, environment: Environment, bundled: str = "") -> Python:
        """Find the Python that an environment is to run with.

        Args:
            environment: By the manifest.
            bundled: The executable that came in the bundle, when that is the one.

        Raises:
            ArchiveError: There is none, or it does not suit.
        """
        minor = environment.minor
        named = bundled or self._chosen.get(minor, "") or environment.interpreter.path
        if named:
            found = self.probe(named)
            reason = _misfit(found, environment)
            if found is not None and not reason:
                return found
            raise _unsuited(environment, {named: reason})
        reasons: Dict[str, str] = {}
        fitting: List[Tuple[bool, Python]] = []
        for path in _candidates(minor, self._preferred):
            found = self.probe(path)
            reasons[path] = _misfit(found, environment)
            if found is not None and not reasons[path]:
                fitting.append((found.version != environment.python, found))
                if found.version == environment.python:
                    break
        if fitting:
            return min(fitting, key=lambda pair: pair[0])[1]
        raise _unsuited(environment, reasons)


def _misfit(found: Optional[Python], environment: Environment) -> str:
    """Why a Python does not suit; empty when it does."""
    if found is None:
        return "it does not run, or is no CPython"
    if found.minor != environment.minor:
        return "it is Python " + found.version
    if found.abi != environment.abi and environment.abi not in ("none", "abi3"):
        return f"its ABI is {found.abi}, and the wheels want {environment.abi}"
    return check_platform(environment.platform, found.machine, found.libc)


def _unsuited(environment: Environment, reasons: Dict[str, str]) -> ArchiveError:
    facts = {
        "environment": environment.name,
        "wanted": f"Python {environment.python}, {environment.abi}, {environment.platform}",
    }
    facts.update((printable(path), reason) for path, reason in reasons.items())
    what = "suits" if reasons else "is there"
    return ArchiveError(
        f"no Python {environment.minor} {what} for `{environment.name}`",
        "no-interpreter",
        facts,
        f"install it, name it with --python {environment.minor}=/path/to/python{environment.minor}, "
        'or make the bundle with interpreter = "bundled"',
    )


def check_platform(wanted: str, machine: str, libc: str) -> str:
    """Why this machine is not the one wanted, such as `linux-x86_64-glibc2.17`; empty when it is."""
    match = re.match(r"linux-([a-z0-9_]+?)(?:-(glibc|musl)(\d+)\.(\d+))?\Z", wanted)
    if match is None:
        return f"the platform `{printable(wanted)}` is not known to this installer"
    if match.group(1) != machine:
        return f"this machine is {machine}, and the wheels are for {match.group(1)}"
    family, least = match.group(2), (int(match.group(3) or 0), int(match.group(4) or 0))
    found_family, version = _parse_libc(libc)
    if family and family != found_family:
        return f"its C library is {found_family}, and the wheels are for {family}"
    if version and version < least:
        return "its {} is {}.{}, and the wheels want {}.{}".format(found_family, *(version + least))
    return ""


def _parse_libc(text: str) -> Tuple[str, Tuple[int, ...]]:
    """The C library's family and version, the latter empty when it cannot be known."""
    match = re.match(r"glibc (\d+)\.(\d+)", text)
    if match:
        return "glibc", (int(match.group(1)), int(match.group(2)))
    for loader in glob.glob("/lib/ld-musl-*.so.1"):
        done = subprocess.run([loader], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        match = re.search(r"Version (\d+)\.(\d+)", done.stderr.decode("utf-8", "replace"))
        return "musl", (int(match.group(1)), int(match.group(2))) if match else ()
    return "an unknown one", ()

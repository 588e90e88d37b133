"""Take this machine out of an interpreter's own files: paths, Debian's layout, the user's site directory."""

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pannier.model.errors import InterpreterError

# Prefixes that every machine has: they tell nothing about this one, and stand for system tools.
_SYSTEM_PREFIXES = ("/", "/usr", "/usr/local")
_NEUTRAL_ROOT = b"/python"
# Variables that name places of the installation, and nothing else.
_PLACES = re.compile(
    r"(exec_)?prefix|(BIN|SCRIPT|LIB|MAN|INCLUDE|CONFINCLUDE|DATA|INFO|LIBDEST|BINLIB|DESTSHARED|MACHDESTLIB"
    r"|DESTLIB|datarootdir|WHEEL_PKG_).*|INCLUDEPY|CONFINCLUDEPY|INCLDIRSTOMAKE|LIBPL|LIBPC|DESTDIRS|installed_\w*base"
)
_PREFIX_LINE = "_prefix = getattr(sys, 'base_prefix', sys.prefix)"
_USER_SITE_SWITCH = re.compile(r"^ENABLE_USER_SITE *= *(None|False)\b", re.MULTILINE)
_SITE_PACKAGES_FUNCTION = '''def getsitepackages(prefixes=None):
    """Returns the directory for distributions below each prefix."""
    version = "python%d.%d" % sys.version_info[:2]
    unique = []
    for prefix in PREFIXES if prefixes is None else prefixes:
        directory = os.path.join(prefix, "lib", version, "site-packages")
        if prefix and directory not in unique:
            unique.append(directory)
    return unique

'''
# From Python 3.11 `site` is frozen into the executable, and an edited file lies there unread. `encodings`
# is the last module that every start reads from a file before it imports `site`.
_READ_SITE_FROM_FILE = """

import sys

class _SiteFromFile:
    # The frozen `site` is the builder's; the file beside this package leaves the user's site directory out.
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "site":
            return None
        sys.meta_path.remove(cls)
        for finder in sys.meta_path:
            if getattr(finder, "__name__", "") == "PathFinder":
                return finder.find_spec(name)

sys.meta_path.insert(0, _SiteFromFile)
"""
# The OpenSSL in the copy looks for certificates where the builder's system keeps them.
_CERTIFICATES_CALL = re.compile(r"^( +)self\.set_default_verify_paths\(\)\n", re.MULTILINE)
_CERTIFICATES_FUNCTION = """

def _load_host_certificates(context):
    # This OpenSSL was built for another machine: look where the distributions keep their certificates.
    paths = get_default_verify_paths()
    if paths.cafile or (paths.capath and os.listdir(paths.capath)):
        return
    for bundle in (
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ):
        if os.path.isfile(bundle):
            context.load_verify_locations(bundle)
            return
"""
_SCHEMES_FUNCTION = """def _get_preferred_schemes():
    return {'prefix': 'posix_prefix', 'home': 'posix_home', 'user': 'posix_user'}

"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What must not be found in a copy.

    Attributes:
        prefixes: The interpreter's own prefix, by every name it has.
        private: More paths of this machine: the build directory, the user's home.
    """

    prefixes: tuple[str, ...]
    private: tuple[str, ...] = ()

    @property
    def secret_prefixes(self) -> tuple[str, ...]:
        """The prefixes that other machines do not have, longest first."""
        names = {prefix.rstrip("/") for prefix in self.prefixes if prefix not in _SYSTEM_PREFIXES}
        return tuple(sorted(names, key=len, reverse=True))


def neutral_file(name: str, data: bytes, machine: Machine, *, is_debian: bool) -> bytes:
    """Return a standard library file as it goes into the copy; most come back as they are.

    Args:
        name: Path within the standard library's directory, such as `site.py`.
        data: Its content.
        machine: What must not be found in it.
        is_debian: It is a Debian build's, whose layout is to become CPython's own.

    Raises:
        InterpreterError: The file is not written as in any Python we know.
    """
    if PurePosixPath(name).name.startswith("_sysconfigdata") and name.endswith(".py") and not _is_ours(data):
        return _neutral_build_variables(data, machine)
    for edited, edit in _EDITS.items():
        if name == edited or (is_debian and f"debian:{name}" == edited):
            data = edit(name, data.decode("utf-8")).encode("utf-8")
    for prefix in machine.secret_prefixes:
        secret = prefix.encode()
        if secret in data:
            data = (
                re.sub(rb"\A#!(.*?)\n", b"#!/usr/bin/env python3\n", data) if data.startswith(b"#!") else data
            )
            data = data.replace(secret, _NEUTRAL_ROOT)
    return data


def neutral_binary(data: bytes, machine: Machine) -> bytes:
    """Overwrite the prefix compiled into an ELF file with a path of the same length that says nothing.

    CPython falls back on that path only when its standard library is not found from the executable. The last
    component stays and slashes fill the rest: linkers let strings share their tails, so the `3.11.7` at the
    end of a prefix may well be the version's own text too.
    """
    for path in (*machine.secret_prefixes, *machine.private):
        parent, _, last = path.encode().rpartition(b"/")
        if len(parent) >= len(_NEUTRAL_ROOT):
            data = data.replace(parent + b"/" + last, _NEUTRAL_ROOT.ljust(len(parent), b"/") + b"/" + last)
    return data


def build_directories(data: bytes) -> tuple[str, ...]:
    """Read from `_sysconfigdata` the directories that the interpreter was built in."""
    variables = _build_variables(data)
    names = {str(variables.get(key, "")) for key in ("abs_builddir", "abs_srcdir")}
    return tuple(sorted(name for name in names if name.startswith("/") and name.count("/") > 1))


def _is_ours(data: bytes) -> bool:
    # A copy can be copied again.
    return _PREFIX_LINE.encode() in data


def _build_variables(data: bytes) -> dict[str, object]:
    if _is_ours(data):
        return {}
    for statement in ast.parse(data).body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "build_time_vars":
            variables: dict[str, object] = ast.literal_eval(statement.value)
            return variables
    return {}


def _neutral_build_variables(data: bytes, machine: Machine) -> bytes:
    """Write the build's variables so that their prefix is the interpreter's at the time they are read."""
    lines = ["# system configuration generated and used by the sysconfig module", "import sys"]
    lines += [_PREFIX_LINE, "build_time_vars = {"]
    for key, value in sorted(_build_variables(data).items()):
        lines.append(f"    {key!r}: {_expression(key, value, machine)},")
    return "\n".join([*lines, "}", ""]).encode("utf-8")


def _expression(key: str, value: object, machine: Machine) -> str:
    if not isinstance(value, str) or "/" not in value:
        return repr(value)
    prefixes = list(machine.secret_prefixes)
    if _PLACES.fullmatch(key):
        prefixes += [prefix for prefix in sorted(machine.prefixes, key=len, reverse=True) if prefix != "/"]
    pieces = [value]
    if prefixes:
        pattern = "|".join(re.escape(prefix) for prefix in dict.fromkeys(prefixes))
        pieces = re.split(rf"(?:{pattern})(?![\w.+-])", value)
    pieces = [_without_private(piece, machine.private) for piece in pieces]
    if len(pieces) == 1:
        return repr(pieces[0])
    return f"_prefix.join({pieces!r})"


def _without_private(text: str, private: Sequence[str]) -> str:
    for path in private:
        text = re.sub(rf"{re.escape(path)}(?![\w.+-])", _NEUTRAL_ROOT.decode(), text)
    return text


def _without_user_site(name: str, text: str) -> str:
    # PEP 370's switch; `main()` computes it only while it is None, so this is what `-s` does.
    edited, count = _USER_SITE_SWITCH.subn("ENABLE_USER_SITE = False", text)
    if count != 1:
        raise _unknown(name, "ENABLE_USER_SITE = None")
    return edited


def _site_from_file(_name: str, text: str) -> str:
    return text if "class _SiteFromFile" in text else text.rstrip("\n") + _READ_SITE_FROM_FILE


def _with_host_certificates(_name: str, text: str) -> str:
    calls = _CERTIFICATES_CALL.findall(text)
    if len(calls) != 1 or "_load_host_certificates" in text:
        return text
    edited = _CERTIFICATES_CALL.sub(r"\g<0>\1_load_host_certificates(self)\n", text)
    return edited.rstrip("\n") + "\n" + _CERTIFICATES_FUNCTION


def _replace_function(function: str, replacement: str) -> Callable[[str, str], str]:
    pattern = re.compile(rf"^def {function}\(.*?(?=^[^\s#)])", re.DOTALL | re.MULTILINE)

    def edit(name: str, text: str) -> str:
        edited, count = pattern.subn(lambda _: replacement, text)
        if count != 1 and function == "getsitepackages":
            raise _unknown(name, f"def {function}")
        return edited

    return edit


def _upstream_scheme(_name: str, text: str) -> str:
    # Debian's distutils installs to /usr/local unless told otherwise.
    return text.replace('"unix_local"', '"unix_prefix"').replace('"deb_system"', '"unix_prefix"')


def _upstream_python_lib(_name: str, text: str) -> str:
    return text.replace(
        '"lib", "python3", "dist-packages"', '"lib", "python" + get_python_version(), "site-packages"'
    )


_EDITS: dict[str, Callable[[str, str], str]] = {
    "site.py": _without_user_site,
    "encodings/__init__.py": _site_from_file,
    "ssl.py": _with_host_certificates,
    "debian:site.py": _replace_function("getsitepackages", _SITE_PACKAGES_FUNCTION),
    "debian:sysconfig.py": _replace_function("_get_preferred_schemes", _SCHEMES_FUNCTION),
    "debian:sysconfig/__init__.py": _replace_function("_get_preferred_schemes", _SCHEMES_FUNCTION),
    "debian:distutils/command/install.py": _upstream_scheme,
    "debian:distutils/sysconfig.py": _upstream_python_lib,
}


def _unknown(name: str, wanted: str) -> InterpreterError:
    return InterpreterError(
        f"the standard library's `{name}` is not as CPython writes it, so it cannot be copied safely",
        code="interpreter-not-relocatable",
        facts={"looked for": wanted},
        hint="name another interpreter with `--interpreter PATH`",
    )

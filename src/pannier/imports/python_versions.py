"""Which Python a program asks for, by its syntax and by the standard modules it uses."""

from typing import NamedTuple

from pannier.imports.program import Unit
from pannier.imports.standard_library import version_need
from pannier.model.analysis import Location

# Standard modules of Python 2 alone, by names that nothing else has.
_PYTHON_2_MODULES = frozenset(
    [
        "BaseHTTPServer",
        "CGIHTTPServer",
        "ConfigParser",
        "Cookie",
        "HTMLParser",
        "Queue",
        "ScrolledText",
        "SimpleHTTPServer",
        "SimpleXMLRPCServer",
        "SocketServer",
        "StringIO",
        "Tkinter",
        "UserDict",
        "UserList",
        "UserString",
        "__builtin__",
        "anydbm",
        "cPickle",
        "cStringIO",
        "commands",
        "cookielib",
        "copy_reg",
        "dummy_thread",
        "htmlentitydefs",
        "htmllib",
        "httplib",
        "robotparser",
        "sgmllib",
        "thread",
        "tkFileDialog",
        "tkMessageBox",
        "tkSimpleDialog",
        "urllib2",
        "urlparse",
        "xmlrpclib",
    ]
)


class _Bound(NamedTuple):
    version: tuple[int, int]
    reason: str


class PythonNeeds:
    """Collects what speaks for one Python or another."""

    def __init__(self) -> None:
        self._lower: _Bound | None = None
        self._upper: _Bound | None = None
        self._python2 = ""

    def add_syntax(self, unit: Unit) -> None:
        """Note the syntax of a file that the program needs."""
        if unit.python2_line:
            self._python2 = self._python2 or f"Python 2 syntax at {unit.source.locate(unit.python2_line)}"
        for feature in unit.found.scan.features:
            if feature.since is not None:
                self._raise_lower(feature.since, f"{feature.name} at {unit.source.locate(feature.line)}")

    def add_module(self, module: str, location: Location) -> None:
        """Note a standard module that the program needs."""
        top = module.partition(".")[0]
        if top in _PYTHON_2_MODULES:
            self._python2 = self._python2 or f"`{top}` at {location}"
            return
        need = version_need(module)
        if need.lower is not None:
            self._raise_lower(need.lower, f"`{module}` at {location}")
        if need.upper is not None and (self._upper is None or need.upper < self._upper.version):
            self._upper = _Bound(need.upper, f"`{module}` at {location}")

    def add_bound(self, specifier: str, reason: str) -> None:
        """Note what something else says of Python (`<3.12`, `>=3.9`); `<3.0` is a wish for Python 2."""
        version = tuple(int(part) for part in specifier.strip("<>=").split("."))
        bound = (version[0], version[1])
        if specifier.startswith(">="):
            self._raise_lower(bound, reason)
        elif bound <= (3, 0):
            self._python2 = self._python2 or reason
        elif self._upper is None or bound < self._upper.version:
            self._upper = _Bound(bound, reason)

    def conclude(self) -> tuple[str, str]:
        """The version specifier that follows, and why; both empty when any Python 3 will do."""
        if self._python2 and self._lower is None:
            return "==2.7.*", self._python2
        bounds = []
        if self._lower is not None:
            bounds.append((f">={_text(self._lower)}", self._lower.reason))
        if self._upper is not None and (self._lower is None or self._lower.version < self._upper.version):
            bounds.append((f"<{_text(self._upper)}", self._upper.reason))
        return ",".join(bound for bound, _ in bounds), "; ".join(reason for _, reason in bounds)

    def _raise_lower(self, version: tuple[int, int], reason: str) -> None:
        if self._lower is None or version > self._lower.version:
            self._lower = _Bound(version, reason)


def _text(bound: _Bound) -> str:
    return f"{bound.version[0]}.{bound.version[1]}"

"""Which Python a program asks for, by its syntax and by the standard modules it uses."""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class _Bound:
    version: tuple[int, int]
    reason: str


@dataclass
class PythonNeeds:
    """Collects what speaks for one Python or another."""

    lower: _Bound | None = None
    upper: _Bound | None = None
    python2: str = ""

    def add_syntax(self, unit: Unit) -> None:
        """Note the syntax of a file that the program needs."""
        if unit.python2_line:
            self.python2 = self.python2 or f"Python 2 syntax at {unit.source.locate(unit.python2_line)}"
        feature = unit.scan.feature
        if feature is not None:
            self._raise_lower(feature.python_version, f"{feature.name} at {unit.source.locate(feature.line)}")

    def add_module(self, module: str, location: Location) -> None:
        """Note a standard module that the program needs."""
        top = module.partition(".")[0]
        if top in _PYTHON_2_MODULES:
            self.python2 = self.python2 or f"`{top}` at {location}"
            return
        need = version_need(module)
        if need.lower is not None:
            self._raise_lower(need.lower, f"`{module}` at {location}")
        if need.upper is not None and (self.upper is None or need.upper < self.upper.version):
            self.upper = _Bound(need.upper, f"`{module}` at {location}")

    def conclude(self) -> tuple[str, str]:
        """The version specifier that follows, and why; both empty when any Python 3 will do."""
        if self.python2 and self.lower is None:
            return "==2.7.*", self.python2
        bounds = []
        if self.lower is not None:
            bounds.append((f">={_text(self.lower)}", self.lower.reason))
        if self.upper is not None and (self.lower is None or self.lower.version < self.upper.version):
            bounds.append((f"<{_text(self.upper)}", self.upper.reason))
        return ",".join(bound for bound, _ in bounds), "; ".join(reason for _, reason in bounds)

    def _raise_lower(self, version: tuple[int, int], reason: str) -> None:
        if self.lower is None or version > self.lower.version:
            self.lower = _Bound(version, reason)


def _text(bound: _Bound) -> str:
    return f"{bound.version[0]}.{bound.version[1]}"

"""Which Python a program asks for, by its syntax and by the standard modules it uses."""

from collections.abc import Iterable, Sequence

from pannier.imports.following.units import Unit
from pannier.imports.projects.standard_library import version_need
from pannier.model.analysis import Location, PythonBound

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


class PythonNeeds:
    """Collects what speaks for one Python or another."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], PythonBound] = {}

    def add_syntax(self, unit: Unit) -> None:
        """Note the syntax of a file that the program needs."""
        if unit.python2_line:
            self._note("<3.0", "Python 2 syntax", unit.source.locate(unit.python2_line))
        for feature in unit.found.scan.features:
            for sign, version in ((">=", feature.since), ("<", feature.before)):
                if version is not None:
                    self._note(f"{sign}{_text(version)}", feature.name, unit.source.locate(feature.line))

    def add_module(self, module: str, location: Location) -> None:
        """Note a standard module that the program needs."""
        top = module.partition(".")[0]
        if top in _PYTHON_2_MODULES:
            self._note("<3.0", f"`{top}`", location)
            return
        need = version_need(module)
        if need.lower is not None:
            self._note(f">={_text(need.lower)}", f"`{module}`", location)
        if need.upper is not None:
            self._note(f"<{_text(need.upper)}", f"`{module}`", location)

    def add_bound(self, specifier: str, reason: str) -> None:
        """Note what something else says of Python (`<3.12`, `>=3.9`); `<3.0` is a wish for Python 2."""
        self._note(specifier, reason, None)

    def _note(self, specifier: str, what: str, location: Location | None) -> None:
        known = self._found.get((specifier, what))
        if known is None:
            self._found[specifier, what] = PythonBound(specifier, what, location)
        elif location is not None and known.location is not None:
            self._found[specifier, what] = known._replace(
                location=min(location, known.location), others=known.others + 1
            )

    def bounds(self) -> tuple[PythonBound, ...]:
        """Everything that bounds the version: from below the highest first, then from above the lowest."""
        return ordered(self._found.values())

    def conclude(self) -> tuple[str, str]:
        """The version specifier that follows, and why; both empty when any Python 3 will do."""
        return conclude(self.bounds())


def ordered(bounds: Iterable[PythonBound]) -> tuple[PythonBound, ...]:
    """Bounds from below, the highest first, then those from above, the lowest first."""
    found = sorted(bounds, key=lambda bound: (bound.location or _NOWHERE, bound.what))
    below = sorted((bound for bound in found if _is_below(bound)), key=_version, reverse=True)
    above = sorted((bound for bound in found if not _is_below(bound)), key=_version)
    return (*below, *above)


def conclude(bounds: Sequence[PythonBound]) -> tuple[str, str]:
    """The version specifier that follows from bounds in the order of `PythonNeeds.bounds`, and why."""
    lower = next((bound for bound in bounds if _is_below(bound)), None)
    above = [bound for bound in bounds if not _is_below(bound)]
    if above and _version(above[0]) <= (3, 0):
        if lower is None:
            return "==2.7.*", str(above[0])
        # Code for both: what is there for Python 3 alone says that it knows how to do without the rest.
        above = [bound for bound in above if _version(bound) > (3, 0)]
    upper = above[0] if above else None
    if lower is not None and upper is not None and _version(lower) >= _version(upper):
        upper = None
    decisive = [bound for bound in (lower, upper) if bound is not None]
    return ",".join(bound.specifier for bound in decisive), "; ".join(map(str, decisive))


_NOWHERE = Location("", 0)


def _is_below(bound: PythonBound) -> bool:
    return bound.specifier.startswith(">=")


def _version(bound: PythonBound) -> tuple[int, int]:
    major, minor = bound.specifier.lstrip("<>=").split(".")[:2]
    return int(major), int(minor)


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"

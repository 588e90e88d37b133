"""Directories of dependencies for the Python that runs this, and the start of a program with them.

Runs on 2.7 too: hence no annotations but in comments. It is loaded at each start, as byte code; what is
needed only when something does not fit is in functions of its own, or in `fetching.py`.
"""

import errno
import os
import sys

MYPY = False
if MYPY:
    from typing import Any, Dict, Iterator, List, Tuple  # noqa: F401 - in comments only

    Row = Tuple[str, Tuple[int, int], str, str, Tuple[int, ...], bool]
    Host = Tuple[Tuple[int, int], str, str, Tuple[int, ...], str]

# The copy of this file in a tree ends by setting these. A row for each target: label, Python, machine, family
# of its C library, the oldest version of that which runs what is there, and whether anything is compiled.
TARGETS = ()  # type: Tuple[Row, ...]
# Label to the directories below the tree, and to those among them that have .pth files.
DIRECTORIES = {}  # type: Dict[str, Tuple[str, ...]]
PTH_DIRECTORIES = {}  # type: Dict[str, Tuple[str, ...]]
IS_ON_DEMAND = False

_GUARD = "PANNIER_VENDORED_PYTHON"
# What keeps the tree from being removed while this process runs.
_HELD = []  # type: List[int]
_USAGE = "usage: vendored.py PROGRAM [ARGUMENT...], or -m MODULE, or -c MODULE:FUNCTION NAME"


def enter(tree, name):
    # type: (str, str) -> None
    """Put the directories of `tree` on `sys.path`; as the main program, run what the arguments name."""
    if name == "__mp_main__":
        return  # a helper process of ours, which compiles
    is_main = name == "__main__"
    is_second_try = os.environ.pop(_GUARD, "") != ""
    label, problem = choose_target(TARGETS, host_facts())
    if not label:
        if is_main and not is_second_try:
            start_another()
        sys.exit("error: " + problem)
    if is_main and len(sys.argv) < (4 if sys.argv[1:2] == ["-c"] else 3 if sys.argv[1:2] == ["-m"] else 2):
        sys.exit(_USAGE)
    if not hold(tree) and is_main and not is_second_try:
        # It is being removed at this moment: `vendored.py` has the name of another by now.
        os.environ[_GUARD] = sys.executable
        os.execv(sys.executable, [sys.executable, "-S", "-s"] + sys.argv)  # noqa: S606
    if IS_ON_DEMAND:
        places, with_pth = _on_demand(tree, label)
    else:
        places = [os.path.join(tree, directory) for directory in DIRECTORIES[label]]
        with_pth = [os.path.join(tree, directory) for directory in PTH_DIRECTORIES[label]]
    if is_main:
        _run(sys.argv[1:], places, with_pth)
    else:
        extend_path(sys.path[:1], sys.path[1:], places, with_pth)


def hold(tree):
    # type: (str) -> bool
    """Keep a tree from being removed as long as this process runs, and those it forks; say whether it stays.

    The kernel ends the lock with the last of them. Where it cannot be had at all, nothing is kept.
    """
    try:
        import fcntl

        descriptor = os.open(tree, os.O_RDONLY)
        fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.fcntl(descriptor, fcntl.F_GETFD) | fcntl.FD_CLOEXEC)
    except (ImportError, OSError, IOError):
        return os.path.isdir(tree)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (OSError, IOError) as error:
        os.close(descriptor)
        return error.errno not in (errno.EAGAIN, errno.EACCES)
    _HELD.append(descriptor)
    return True


def host_facts():
    # type: () -> Host
    """This Python's version, machine, C library and its version, and what is unusual about its build."""
    family = "musl"
    version = ()  # type: Tuple[int, ...]
    try:
        # Python 2.7 does not know this one by its name.
        name = "CS_GNU_LIBC_VERSION"  # type: Any
        words = (os.confstr(name if name in os.confstr_names else 2) or "").split()
        if len(words) == 2:
            family, version = words[0], tuple(int(part) for part in words[1].split(".")[:2])
    except (AttributeError, OSError, ValueError):
        pass
    odd = getattr(sys, "abiflags", "").replace("m", "")
    if sys.version_info[0] == 2 and sys.maxunicode < 65536:
        odd = "narrow Unicode"
    implementation = getattr(getattr(sys, "implementation", None), "name", "cpython")
    if implementation != "cpython":
        odd = implementation
    return (sys.version_info[0], sys.version_info[1]), os.uname()[4], family, version, odd


def choose_target(targets, host):
    # type: (Tuple[Row, ...], Host) -> Tuple[str, str]
    """The label of what fits, or an empty one and what to do about that, in one line."""
    python, machine, family, libc, odd = host
    own = [row for row in targets if row[1] == python]
    if not own:
        wanted = " or ".join(_dotted(version) for version in sorted({row[1] for row in targets}))
        advice = "install such a Python, or name it with PANNIER_PYTHON"
        found = "{} at {}".format(_dotted(python), sys.executable)
        return "", "this needs Python {}, and this one is {}: {}".format(wanted, found, advice)
    fitting = [row for row in own if not row[5] or (row[2] == machine and row[3] in ("", family))]
    if not fitting:
        made = ", ".join(sorted({"{} {}".format(row[2], row[3]).strip() for row in own}))
        here = "linux-{}-{}{}".format(machine, family, _dotted(libc or (1, 2)))
        return "", "what lies here is compiled for {}, and this machine is {}: {}".format(
            made, machine + " " + family, "run `pannier vendor` with `--platform {}`".format(here)
        )
    enough = [row for row in fitting if not row[5] or row[3] != "glibc" or row[4] <= libc]
    if not enough:
        here = "linux-{}-glibc{}".format(machine, _dotted(libc))
        return "", "what lies here needs glibc {} or newer, and this machine has {}: {}".format(
            _dotted(min(row[4] for row in fitting)),
            _dotted(libc),
            "run `pannier vendor` with `--platform {}`".format(here),
        )
    best = max(enough, key=lambda row: row[4])
    if odd and best[5]:
        advice = "name an ordinary CPython {} with PANNIER_PYTHON".format(_dotted(python))
        return "", "what lies here does not fit {}, which is another build ({}): {}".format(
            sys.executable, odd, advice
        )
    return best[0], ""


def extend_path(head, tail, places, with_pth):
    # type: (List[str], List[str], List[str], List[str]) -> None
    """Make `sys.path` the head, the standard library, the places, and then what else stood there.

    As in an environment, a dependency hides nothing of the standard library.
    """
    library = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
    archive = "python{}{}.zip".format(*sys.version_info[:2])
    standard = [
        entry
        for entry in tail
        if os.path.basename(entry) in (archive, "lib-dynload")
        or ((entry + os.sep).startswith(library) and "-packages" not in entry)
    ]
    sys.path[:] = head + standard
    for place in places:
        if place in with_pth:
            import site

            site.addsitedir(place)
        else:
            sys.path.append(place)
    sys.path.extend(entry for entry in tail if entry not in standard and entry not in sys.path)


def start_another():
    # type: () -> None
    """Become the same program under a Python of this machine that fits; come back when there is none."""
    host = host_facts()
    named = os.environ.get("PANNIER_PYTHON", "")
    if named and not named[0].isdigit():  # a version is a setting of Pannier's, and nothing to the program
        return
    for version in sorted({row[1] for row in TARGETS}, reverse=True):
        if not choose_target(TARGETS, (version, host[1], host[2], host[3], ""))[0]:
            continue
        for candidate in _candidates(_dotted(version)):
            if _is_version(candidate, version):
                os.environ[_GUARD] = candidate
                os.execv(candidate, [candidate, "-S", "-s"] + sys.argv)  # noqa: S606


def _candidates(version):
    # type: (str) -> Iterator[str]
    """Files that could be a Python of this version: on PATH, of the system, and of pyenv."""
    import glob

    directories = os.environ.get("PATH", "").split(os.pathsep) + ["/usr/local/bin", "/usr/bin"]
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    directories += sorted(glob.glob("/opt/*/bin")) + sorted(
        glob.glob(pyenv + "/versions/" + version + ".*/bin")
    )
    for directory in directories:
        path = os.path.join(directory, "python" + version)
        if os.path.isabs(directory) and os.access(path, os.X_OK) and os.path.isfile(path):
            yield path


def _is_version(path, version):
    # type: (str, Tuple[int, int]) -> bool
    import subprocess

    question = "import sys; print('%d %d' % tuple(sys.version_info[:2]))"
    with open(os.devnull, "r+b") as nothing:
        try:
            command = [path, "-S", "-s", "-c", question]
            asked = subprocess.Popen(command, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing)
        except (OSError, ValueError):
            return False
        answer = asked.communicate()[0].split()
    return asked.returncode == 0 and [int(part) for part in answer if part.isdigit()] == list(version)


def _on_demand(tree, label):
    # type: (str, str) -> Tuple[List[str], List[str]]
    for root in (os.path.join(tree, "fetched"), cache_of(tree)):
        place = os.path.join(root, label)
        if os.path.isdir(place):
            break
    else:
        sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
        # In a tree both have longer names, which hide no module of a program.
        fetching = __import__(__name__.replace("_start", "_fetching"))  # type: Any
        del sys.path[0]
        place = fetching.provide(tree, label, cache_of(tree))
    return [place], [place] if os.path.exists(os.path.join(place, ".has-pth")) else []


def cache_of(tree):
    # type: (str) -> str
    """Where what was fetched is kept when the tree cannot be written: in the cache of the one who runs it."""
    environ = os.environ
    root = environ.get("PANNIER_CACHE_DIR")
    if not root and environ.get("XDG_CACHE_HOME", "").startswith("/"):
        root = os.path.join(environ["XDG_CACHE_HOME"], "pannier")
    if not root:
        root = os.path.join(os.path.expanduser("~"), ".cache", "pannier")
    return os.path.join(root, "vendored", os.path.basename(tree))


def _run(arguments, places, with_pth):
    # type: (List[str], List[str], List[str]) -> None
    """Run a script, a module (`-m`) or a function (`-c`) as a bare Python would run it."""
    # Without `site` there is only the standard library, after the directory of `vendored.py`.
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    standard = [entry for entry in sys.path if os.path.abspath(entry) != own]
    _add_builtins()
    sys.excepthook = _shorter_traceback
    if arguments[0] == "-c":
        sys.argv[:] = arguments[2:]
        extend_path([], standard, places, with_pth)
        _call(arguments[1])
    elif arguments[0] == "-m":
        import runpy

        sys.argv[:] = arguments[1:]
        extend_path([os.getcwd()], standard, places, with_pth)
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv[:] = arguments
        extend_path([os.path.dirname(os.path.realpath(arguments[0]))], standard, places, with_pth)
        _execute(arguments[0])


def _execute(script):
    # type: (str) -> None
    if os.path.isdir(script):
        import runpy

        runpy.run_path(script, run_name="__main__")
        return
    try:
        with open(script, "rb") as stream:
            text = stream.read()
    except (IOError, OSError) as error:
        sys.exit("error: `{}` cannot be read: {}".format(script, error.strerror))
    code = compile(text, script, "exec", 0, True)
    namespace = sys.modules["__main__"].__dict__  # type: Dict[str, Any]
    builtins = namespace["__builtins__"]
    loader = namespace.get("__loader__")  # type: Any
    namespace.clear()
    namespace.update(__name__="__main__", __doc__=None, __package__=None, __file__=script)
    namespace["__builtins__"] = builtins
    if sys.version_info[0] > 2:
        namespace.update(__spec__=None, __cached__=None, __loader__=type(loader)("__main__", script))
    exec(code, namespace)  # noqa: S102


def _call(reference):
    # type: (str) -> None
    module, _, attribute = reference.partition(":")
    __import__(module)
    function = sys.modules[module]  # type: Any
    for name in attribute.split("."):
        function = getattr(function, name)
    sys.exit(function())


def _add_builtins():
    # type: () -> None
    """What `site` adds for every Python: `exit`, `quit`, `help`; its directories are what `-S` keeps out."""
    before = sys.path[:]
    import site

    if sys.version_info[0] > 2:
        site.setquit()
        site.setcopyright()
        site.sethelper()
    sys.path[:] = before  # importing it on 2.7 adds the system's packages


def _shorter_traceback(kind, error, traceback):
    # type: (Any, Any, Any) -> None
    """Leave out the steps that lie before the program's own."""
    home = os.path.dirname(os.path.abspath(__file__))
    stub = os.path.join(os.path.dirname(os.path.dirname(home)), "vendored.py")
    rest = traceback
    while rest is not None:
        name = os.path.abspath(rest.tb_frame.f_code.co_filename)
        if name != stub and os.path.dirname(name) != home:
            break
        rest = rest.tb_next
    rest = rest or traceback
    if sys.version_info[0] > 2:
        error = error.with_traceback(rest)
    sys.__excepthook__(kind, error, rest)


def _dotted(version):
    # type: (Tuple[int, ...]) -> str
    return ".".join(str(part) for part in version)

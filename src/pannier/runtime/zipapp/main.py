"""The start of a `.pyz`, as its `__main__.py`: to the unpacked program, in this process where that is clean.

Python 2 must be able to read this, to say that it will not do. What later starts need is all here, for each
module imported from a ZIP archive is compiled each time.
"""

import os
import sys

# Put here by `pannier.pack.zipapp`.
FACTS = {}  # type: ignore[var-annotated]

# What the text of a console script ends its shell part with (`pannier.formats.wheels`).
_CONSOLE_SCRIPT = b'exec "$here/python3" "$script" "$@"\n\'\'\'\n'


def main(archive):
    # type: (str) -> None
    """Run the program, unpacking it first where nobody has."""
    fits = _fits()
    prefix = _find_prefix()
    if not prefix:
        prefix = _prepare(archive, fits)
        fits = False  # what was imported for that stays out of the program
    is_clean = fits and _is_clean(archive)
    _enter(prefix)
    if os.environ.get("PANNIER_INTERPRETER") == "1":  # another value is a setting of Pannier's
        del os.environ["PANNIER_INTERPRETER"]
        _replace([os.path.join(prefix, "bin", "python3")])
    if is_clean:
        _run(prefix)
    else:
        _replace(_command(prefix))


def _fits():
    # type: () -> bool
    implementation = getattr(sys, "implementation", None)
    return (
        implementation is not None
        and implementation.name == FACTS["implementation"]
        and "%d.%d" % sys.version_info[:2] == FACTS["minor"]
        and ("t" not in getattr(sys, "abiflags", "") or FACTS["platform"][2] == "any")
    )


def _find_prefix():
    # type: () -> str
    for cache in _caches():
        prefix = os.path.join(cache, "prefixes", FACTS["id"])
        try:
            with open(os.path.join(prefix, ".pannier", "complete")) as stream:
                if stream.read().strip() != FACTS["id"]:
                    continue
        except (IOError, OSError):  # two in Python 2
            continue
        if os.access(os.path.join(prefix, "bin", "python3"), os.X_OK):
            return prefix
    return ""


def _caches():
    # type: () -> list[str]
    explicit = os.environ.get("PANNIER_CACHE_DIR")
    if explicit:
        return [os.path.abspath(explicit)]
    caches = []
    home = os.environ.get("XDG_CACHE_HOME", "")
    if home.startswith("/"):
        caches.append(os.path.join(home, "pannier"))
    elif os.environ.get("HOME"):
        caches.append(os.path.join(os.path.abspath(os.environ["HOME"]), ".cache", "pannier"))
    last = os.path.join(os.environ.get("TMPDIR") or "/tmp", "pannier-%d" % os.getuid())  # noqa: S108
    try:
        if not os.path.islink(last) and os.stat(last).st_uid == os.getuid():
            caches.append(os.path.abspath(last))
    except OSError:
        pass
    return caches


def _prepare(archive, fits):
    # type: (str, bool) -> str
    """Unpack, or give this process to a Python that can."""
    _check_seal(archive)
    if not fits:
        from pannier.runtime.zipapp.pythons import go_to_fitting

        go_to_fitting(archive, FACTS)
    from pannier.runtime.zipapp.first_start import prepare_or_end

    return prepare_or_end(archive, FACTS)


def _check_seal(archive):
    # type: (str) -> None
    """Check what does the unpacking before any of it is imported, or end with one line on standard error."""
    import hashlib

    try:
        size, digest = sys.modules["__main__"].__loader__.get_data("seal").split()  # type: ignore[union-attr]
        with open(archive, "rb") as stream:
            is_whole = hashlib.sha256(stream.read(int(size))).hexdigest().encode() == digest
    except Exception:  # noqa: BLE001  # whatever a damaged file leads to
        is_whole = False
    if not is_whole:
        name = os.path.basename(archive)
        sys.stderr.write("%s: error: this file is damaged; copy it again [corrupt-pack]\n" % name)
        sys.exit(1)


def _enter(prefix):
    # type: (str) -> None
    """Set the variables that the program and its children see; say that this was used today."""
    for name in ("PYTHONPATH", "PYTHONHOME"):
        os.environ.pop(name, None)
    os.environ["PANNIER_PREFIX"] = prefix
    os.environ["PYTHONNOUSERSITE"] = "1"
    for name, path in FACTS["environment"]:
        os.environ[name] = os.path.join(prefix, path)
    try:
        with open(os.path.join(prefix, ".pannier", "used"), "w"):
            pass
    except (IOError, OSError):
        pass


def _is_clean(archive):
    # type: (str) -> bool
    """Whether nothing of this Python's own packages or of its user's is in this process yet."""
    is_led = os.environ.get("PYTHONPATH") or os.environ.get("PYTHONHOME")
    if is_led and not sys.flags.ignore_environment:
        return False
    standard = _standard()
    for module in list(sys.modules.values()):
        place = getattr(module, "__file__", None) or standard + "/"
        if not _is_standard(place, standard) and not place.startswith(archive + "/"):
            return False
    return True


def _standard():
    # type: () -> str
    return os.path.dirname(os.path.abspath(os.__file__))


def _is_standard(place, standard):
    # type: (str, str) -> bool
    if "/site-packages" in place or "/dist-packages" in place:
        return False
    return place == standard or place.startswith(standard + "/") or "/lib-dynload" in place


def _command(prefix):
    # type: (str) -> list[str]
    kind, what = FACTS["start"]
    python = os.path.join(prefix, "bin", "python3")
    if kind == "script":
        return [python, os.path.join(prefix, what)]
    if kind == "command":
        return [os.path.join(prefix, what)]
    if kind == "module":
        return [python, "-c", FACTS["run_module"], os.path.join(prefix, "program"), what]
    return [python]


def _replace(command):
    # type: (list[str]) -> None
    command = command + sys.argv[1:]
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606


def _run(prefix):
    # type: (str) -> None
    """Run the program here, as the interpreter of the prefix would."""
    kind, what = FACTS["start"]
    path = os.path.join(prefix, what)
    text = b""
    if kind in ("script", "command"):
        with open(path, "rb") as stream:
            text = stream.read()
    if kind == "python" or (kind == "command" and _CONSOLE_SCRIPT not in text):
        _replace(_command(prefix))
    _become(prefix)
    if kind == "module":
        import runpy

        sys.path.insert(0, os.path.join(prefix, "program"))
        runpy.run_module(what, run_name="__main__", alter_sys=True)
        return
    from types import ModuleType

    sys.argv[0] = path
    sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
    module = ModuleType("__main__")
    module.__dict__.update({"__builtins__": __builtins__, "__file__": path, "__cached__": None})
    sys.modules["__main__"] = module
    exec(compile(text, path, "exec", 0, True), module.__dict__)  # noqa: S102  # the program


def _become(prefix):
    # type: (str) -> None
    """Make this process the interpreter of the prefix: its paths, its packages, and none of its own."""
    import site

    standard, archive = _standard(), "python%d%d.zip" % sys.version_info[:2]
    sys.path[:] = [
        path for path in sys.path[1:] if _is_standard(path, standard) or os.path.basename(path) == archive
    ]
    sys.prefix = sys.exec_prefix = prefix
    sys.executable = os.path.join(prefix, "bin", "python3")
    site.PREFIXES[:] = [prefix, prefix]
    site.ENABLE_USER_SITE = False
    site.addsitedir(os.path.join(prefix, "lib", "python" + FACTS["minor"], "site-packages"))
    _hold(prefix)


def _hold(prefix):
    # type: (str) -> None
    """Keep the prefix open, out of the program's way, so that whoever cleans sees that it is in use."""
    descriptor = os.open(prefix, os.O_RDONLY | os.O_CLOEXEC)
    for number in range(200, 240):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(descriptor, number, False)
            break
    os.close(descriptor)


if __name__ == "__main__":
    main(os.path.dirname(os.path.abspath(__file__)))

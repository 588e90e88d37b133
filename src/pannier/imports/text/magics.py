"""Lines of a notebook that are no Python: magics, shell lines, and what they install.

They stand in scripts as well: in what notebooks are exported to, and in what was pasted out of one.
"""

import re
from collections.abc import Iterator

from pannier.imports.projects.known_projects import project_of_conda

_LINE_MAGIC = re.compile(r"^(\s*)(?:[%!?]|(?:pip3?|conda|mamba)\s+install\s|[\w.]+\?+\s*$)")
_ASSIGNED_MAGIC = re.compile(r"^(\s*)([\w, ]+=)\s*[%!]")
# A command of the shell's, or of IPython's; where nothing assigns to them these need no sign in front.
_COMMAND = re.compile(r"\s*(?:(?:#[ ]MAGIC[ ]+)?[%!]{1,2}|(?=(?:pip3?|conda|mamba)\s+install\s))\s*(.+)$")
_NEXT_COMMAND = re.compile(r"&&|\|\|?|;")
_INSTALL = re.compile(
    r"""(?:^|[\s/"'])(?:pip[\d.]*|-mpip|(?P<conda>conda|mamba|micromamba))\s+(?:-\S+\s+)*install\s+(.*)"""
    r"|(?:^|\s)uv\s+add\s+(.*)"
)
# A match specification of conda: channel, name, version, build.
_CONDA_PACKAGE = re.compile(
    r"(?:[\w./-]+::)?([A-Za-z0-9_][\w.-]*)(?:(==?)([\w.]+?)(\.?\*)?(?:=[\w*.]+)?|((?:[<>!~]=?[\w.*]+,?)+))?$"
)
# What exporting a notebook as a script makes of shell lines and magics.
_CALLED_MAGIC = re.compile(
    r"""^\s*get_ipython\(\)\.(?:system|run_line_magic|magic)\(\s*u?["'](?:(pip|conda|mamba)["']\s*,\s*["'])?(.*)["']\s*\)\s*$"""
)
_REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[\w,.-]+\])?(?:[=<>!~]=?[\w.*,=<>!~-]+)?$")
_EXTENSION = re.compile(r"^(\s*)%(?:load_ext|reload_ext)\s+([\w.]+)")
# `%run worker.py` and `!python worker.py`.
_RUN = re.compile(r"^(\s*)(?:%run|!\s*python[\d.]*)\s+(?:-\w+\s+)*([\w./-]+\.py)\b")
_PLOTTING = re.compile(r"^(\s*)%(?:matplotlib|pylab)\b")
# Extensions that come with IPython and need nothing more.
_BUNDLED_EXTENSIONS = frozenset({"autoreload", "storemagic"})
# What installs is there before anything else is.
_INSTALLERS = frozenset({"conda", "mamba", "micromamba", "pip", "setuptools", "uv", "wheel"})
_OPTIONS_WITH_VALUE = frozenset(
    {
        *("-b", "-c", "-e", "-f", "-i", "-n", "-p", "-r", "-t", "--channel", "--constraint", "--editable"),
        *("--extra-index-url", "--file", "--find-links", "--index", "--index-url", "--name", "--prefix"),
        *("--progress-bar", "--python-version", "--requirement", "--root", "--target", "--timeout"),
        "--trusted-host",
    }
)


def without_magic(line: str) -> str:
    """The Python that a line stands for, as far as imports go."""
    extension = _EXTENSION.match(line)
    if extension:
        return f"{extension[1]}{'pass' if extension[2] in _BUNDLED_EXTENSIONS else 'import ' + extension[2]}"
    plotting = _PLOTTING.match(line)
    if plotting:
        return f"{plotting[1]}import matplotlib"
    assigned = _ASSIGNED_MAGIC.match(line)
    if assigned:
        return f"{assigned[1]}{assigned[2]} None"
    if ran := _RUN.match(line):
        return f"{ran[1]}run_path({ran[2]!r})"
    magic = _LINE_MAGIC.match(line)
    return f"{magic[1]}pass" if magic else line


def installed_names(line: str) -> Iterator[str]:
    """The requirements that a magic or shell line installs."""
    if "install" not in line and "uv add" not in line:
        return
    command = _COMMAND.match(_CALLED_MAGIC.sub(r"!\1 \2", line))
    for part in _NEXT_COMMAND.split(command[1]) if command else ():
        install = _INSTALL.search(part)
        if install and install["conda"]:
            yield from filter(None, map(_conda_requirement, _arguments(install[2])))
        elif install:
            yield from filter(_is_requirement, _arguments(install[2] or install[3] or ""))


def installs_of(text: str, *marks: str) -> tuple[tuple[str, int], ...]:
    """The requirements that a script's lines install, each with its line, where a mark begins the line."""
    lines = enumerate(text.split("\n"), 1)
    return tuple(
        (name, number)
        for number, line in lines
        if line.lstrip().startswith(marks)
        for name in installed_names(line)
    )


def _is_requirement(word: str) -> bool:
    match = _REQUIREMENT.match(word)
    return match is not None and match[1] not in _INSTALLERS and not word.endswith((".txt", ".whl", ".gz"))


def _arguments(text: str) -> Iterator[str]:
    """The words of a command up to the next one, its options and their values aside."""
    skip = False
    for word in text.partition("#")[0].replace('"', "").replace("'", "").split():
        if word in {"&", ">"}:
            return
        if skip or word.startswith("-"):
            skip = word in _OPTIONS_WITH_VALUE and not skip
        else:
            yield word


def _conda_requirement(word: str) -> str:
    """A package of conda's as a requirement of the project it is made from; empty for one of no project."""
    match = _CONDA_PACKAGE.match(word)
    if match is None or match[1] in _INSTALLERS:
        return ""
    name, sign, version, star, bounds = match.groups()
    project = project_of_conda(name)
    if not project or not version:
        return project + (bounds or "").rstrip(",") if project else ""
    return f"{project}=={version}{'.*' if star or sign == '=' else ''}"

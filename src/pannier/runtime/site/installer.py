"""The installer's own copy on the server, for everything that needs no bundle."""

import contextlib
import hashlib
import os
import py_compile
import shlex
import sys
import tempfile
from importlib.util import cache_from_source
from typing import Any, Dict

from .bundle import Bundle
from .layout import Site, replace_link, write_text
from .listing import LISTING_NAME, format_listing, list_tree

FRONT_NAME = "site"

_MAIN = """import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
from pannier.runtime.site.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], prefix=os.path.dirname(os.path.dirname(os.path.dirname(_here)))))
"""

_FRONT = """#!/bin/sh
# Operates this site without a bundle: status, rollback, verify, list, clean, uninstall, inventory, log.
installer={installer}
recorded={python}
if [ -x "$recorded" ]; then
    exec "$recorded" -I -S -B "$installer" "$@"
fi
for python in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 python3.7 \\
    python3.6 /usr/bin/python3 /usr/local/bin/python3 /opt/*/bin/python3 \\
    {interpreters}/*/bin/python3.[0-9]*; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1; then
        exec "$python" -I -S -B "$installer" "$@"
    fi
done
echo "error: there is no Python 3.6 or later here" >&2
echo "hint: put one on PATH" >&2
exit 1
"""


def install_installer(site: Site, bundle: Bundle) -> None:
    """Copy the bundle's installer to the site, and make `PREFIX/site` start it."""
    files = {
        name: bundle.read(name)
        for name in bundle.contents
        if name.startswith("pannier/") and name.endswith(".py")
    }
    files["__main__.py"] = _MAIN.encode()
    python = _lasting_python()
    digest = hashlib.sha256(repr((sorted(files.items()), python)).encode()).hexdigest()[:16]
    directory = os.path.join(site.installers, digest)
    if not os.path.isdir(directory):
        stage = tempfile.mkdtemp(prefix=".new-", dir=site.installers)
        os.chmod(stage, 0o755)  # noqa: S103  # everybody may ask for the status
        for name, data in files.items():
            path = os.path.join(stage, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as stream:
                stream.write(data)
            _compile(path, os.path.join(directory, name))
        front = _FRONT.format(
            installer=shlex.quote(directory),
            python=shlex.quote(python),
            interpreters=shlex.quote(site.interpreters),
        )
        write_text(os.path.join(stage, FRONT_NAME), front, 0o755)
        write_text(os.path.join(stage, LISTING_NAME), format_listing(list_tree(stage)))
        os.rename(stage, directory)
    replace_link(
        os.path.join(site.prefix, FRONT_NAME), os.path.relpath(directory, site.prefix) + "/" + FRONT_NAME
    )


def find_installer(site: Site) -> str:
    """The directory of the installer that `PREFIX/site` starts; empty when that is no link of ours."""
    try:
        target = os.path.join(site.prefix, os.readlink(os.path.join(site.prefix, FRONT_NAME)))
    except OSError:
        return ""
    directory, name = os.path.split(target)
    return directory if os.path.dirname(directory) == site.installers and name == FRONT_NAME else ""


def _lasting_python() -> str:
    """The Python that runs this, unless the bundle's header put it in a place that goes away."""
    executable = os.path.realpath(sys.executable or "/nonexistent")
    passing = (os.path.realpath(tempfile.gettempdir()) + "/", "/tmp/", "/var/tmp/")  # noqa: S108
    return "/nonexistent" if executable.startswith(passing) else executable


def _compile(path: str, shown: str) -> None:
    options: Dict[str, Any] = {}
    if hasattr(py_compile, "PycInvalidationMode"):
        options["invalidation_mode"] = py_compile.PycInvalidationMode.UNCHECKED_HASH
    with contextlib.suppress(py_compile.PyCompileError):
        py_compile.compile(path, cache_from_source(path), shown, True, **options)

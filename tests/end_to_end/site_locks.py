"""A site of real packages for three Pythons, locked once and kept between runs as the test cache is."""

import fcntl
import hashlib
import shutil
from pathlib import Path

from tests.end_to_end.commands import Commands

SITE = """\
[site]
name = "lab"
prefix = "/opt/lab/envs"
bin = "/usr/local/bin"
platform = "linux-x86_64-glibc2.28"

[environment.lab-python27]
python = "2.7.18"
requirements = ["requirements-py27.txt"]
smoke = ["import matplotlib", "import yaml", "import functools32"]
aliases = ["lab-python2"]

[environment.lab-python36]
python = "3.6.15"
requirements = ["requirements-py36.txt"]
smoke = ["import numpy", "import crcmod"]

[environment.lab-python313]
python = "3.13.0"
requirements = ["requirements-py313.txt"]
smoke = ["import requests", "import docopt"]
"""
FILES = {
    "site.toml": SITE,
    "requirements-py27.txt": "matplotlib\nnumpy\nPyYAML\nrequests\nflask\nopenpyxl\nxlrd\nfunctools32\n",
    "requirements-py36.txt": "numpy\nmatplotlib\nPyYAML\nrequests\nflask\nopenpyxl\nxlrd\ncrcmod\n",
    "requirements-py313.txt": "PyYAML\nrequests\ndocopt\n",
}
"""functools32, crcmod and docopt exist only as sdists; crcmod is compiled."""
MINORS = ("2.7", "3.6", "3.13")


def make_site_locks(commands: Commands) -> Path:
    """Give a directory with the site and its locks, which whoever changes it copies first."""
    digest = hashlib.sha256(repr(sorted(FILES.items())).encode()).hexdigest()
    place = commands.cache / "site-locks" / digest[:16]
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for name, text in FILES.items():
            # Somebody may be copying what is there: it is not written again.
            if not (place / name).exists() or (place / name).read_text() != text:
                (place / name).write_text(text)
        commands.run("pannier", "site", "lock", cwd=place)
    return place


def copy_site(source: Path, destination: Path) -> Path:
    """Copy a site with its locks."""
    return Path(shutil.copytree(source, destination, ignore=shutil.ignore_patterns("lock")))

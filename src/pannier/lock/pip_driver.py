"""Running the last pip of an old Python so that it does nothing twice.

pip 20.3.4 reads a project's page anew each time its resolver asks, on Python 2 for want of
`functools.lru_cache`, and looks through all tags of its Python for each wheel each time it sorts them; the
pips after it remember, as the script here makes this one. It also asks the index of `old_index` for metadata
alone, and notes what it learns by running an sdist's `setup.py`. It is fitted to this one version of pip.
"""

import json
from pathlib import Path
from typing import Any

# Python 2.7 and 3.5. The requests of pip's own children, which install what builds need, are not marked.
_SCRIPT = r"""
import io, json, os, sys
sys.path[:] = [entry for entry in sys.path if entry]
pip, index, notes = sys.argv[1:4]
del sys.argv[1:4]
if pip:
    sys.path.insert(0, pip)
from pip._internal.cli.main import main
from pip._internal.index.package_finder import PackageFinder
from pip._internal.models.wheel import Wheel
from pip._internal.network.session import PipSession
from pip._internal.req.req_install import InstallRequirement
from pip._internal.resolution.resolvelib import candidates
from pip._internal.utils.packaging import get_metadata

find = PackageFinder.find_all_candidates
found = {}
def find_all_candidates(self, name):
    key = id(self), name
    if key not in found:
        found[key] = self, find(self, name)
    return found[key][1]
PackageFinder.find_all_candidates = find_all_candidates

ranks = {}
def rank_of(wheel, tags):
    if id(tags) not in ranks:
        ranks[id(tags)] = tags, dict((tag, rank) for rank, tag in reversed(list(enumerate(tags)))), {}
    places, known = ranks[id(tags)][1:]
    if wheel.filename not in known:
        known[wheel.filename] = min([places[tag] for tag in wheel.file_tags if tag in places] or [-1])
    return known[wheel.filename]
def support_index_min(self, tags):
    rank = rank_of(self, tags)
    if rank < 0:
        raise ValueError(self.filename)
    return rank
Wheel.support_index_min = support_index_min
Wheel.supported = lambda self, tags: rank_of(self, tags) >= 0

ask = PipSession.request
def request(self, method, url, *args, **more):
    if index and url.startswith(index):
        more["headers"] = dict(more.get("headers") or {}, **{"X-Pannier": "metadata"})
    return ask(self, method, url, *args, **more)
PipSession.request = request

# Before `Requires-Python` was, classifiers alone said that an sdist is for Python 3; a wheel has its tags.
required = candidates.get_requires_python
def get_requires_python(dist):
    said = required(dist)
    if said or dist.has_metadata("METADATA"):
        return said
    start = "Programming Language :: Python :: "
    known = get_metadata(dist).get_all("Classifier") or []
    majors = set(line[len(start):][:1] for line in known if line.startswith(start))
    return ">=3" if "3" in majors and "2" not in majors else said
candidates.get_requires_python = get_requires_python

prepare = InstallRequirement.prepare_metadata
def prepare_metadata(self):
    prepare(self)
    url = self.link.url if self.link else ""
    if not (index and url.startswith(index)):
        return
    requires = dict((extra or "", [str(line) for line in lines])
        for extra, lines in self.get_dist()._dep_map.items())
    note = {"url": url, "name": self.metadata["Name"], "version": self.metadata["Version"],
        "requires": requires, "requires_python": get_requires_python(self.get_dist())}
    with io.open(os.path.join(notes, "%d.json" % len(os.listdir(notes))), "wb") as stream:
        stream.write(json.dumps(note).encode("ascii"))
InstallRequirement.prepare_metadata = prepare_metadata
sys.exit(main())
"""


def driver_command(python_executable: str, pip: str, index_url: str, notes: Path) -> list[str]:
    """Give the command line to put pip's arguments behind.

    Args:
        python_executable: The Python to run.
        pip: The wheel of pip; empty for the one it has installed.
        index_url: The index to ask for metadata alone; empty for none.
        notes: A directory for what is learned.
    """
    return [python_executable, "-c", _SCRIPT, pip, index_url, str(notes)]


def read_notes(notes: Path) -> dict[str, dict[str, Any]]:
    """Give what was learned of sdists, by the URL they came from."""
    found = [json.loads(path.read_bytes()) for path in notes.glob("*.json")]
    return {note["url"]: note for note in found}

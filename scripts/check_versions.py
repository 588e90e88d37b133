"""Check the rules of versions.txt against what an environment has installed.

    python scripts/check_versions.py PREFIX...

For each project that a prefix has, what a rule says has gone must not be there, and the other way round.
Names of modules and attributes are checked by importing them with its Python; calls and texts are not.
"""

import json
import subprocess
import sys
from pathlib import Path

from pannier.imports.scanning.version_rules import version_rules

_PROBE = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
try:
    from importlib.metadata import version
except ImportError:
    import pkg_resources
    version = lambda name: pkg_resources.get_distribution(name).version
def there(name):
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except Exception:
            continue
        try:
            for part in parts[length:]:
                found = getattr(found, part)
        except Exception:
            return False
        return True
    return False
projects, names = json.load(sys.stdin)
versions = {"python": "%d.%d" % sys.version_info[:2]}
for project in projects:
    try:
        versions[project] = version(project)
    except Exception:
        pass
json.dump([versions, {name: there(name) for project, name in names if project in versions}], sys.stdout)
"""


def check(prefix: Path) -> list[str]:
    """What the environment at a prefix contradicts."""
    rules = version_rules()
    rules.read_all()
    names = [(bound.project, token) for token, bound in rules.bounds.items() if not set(token) & set(":(")]
    question = json.dumps([sorted({project for project, _ in names} - {"python"}), names])
    answer = subprocess.run(
        [prefix / "bin/python", "-W", "ignore", "-c", _PROBE],
        input=question,
        capture_output=True,
        text=True,
        check=False,
    )
    versions, there = json.loads(answer.stdout[answer.stdout.index('[{"python"') :])
    wrong = []
    for name, found in there.items():
        bound = rules.bounds[name]
        if not bound.specifier or (found and name in rules.stubs):
            continue
        if found != _is_within(versions[bound.project], bound.specifier):
            state = "there" if found else "not there"
            wrong.append(f"{bound.project} {versions[bound.project]}: {name} ({bound.specifier}) is {state}")
    print(f"{prefix}: {len(there)} names checked", file=sys.stderr)
    return wrong


def _is_within(version: str, specifier: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(specifier).contains(version, prereleases=True)


if __name__ == "__main__":
    contradictions = [line for prefix in sys.argv[1:] for line in check(Path(prefix))]
    print("\n".join(contradictions))
    sys.exit(1 if contradictions else 0)

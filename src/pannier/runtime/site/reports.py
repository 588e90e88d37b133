"""What a site is: what is in force, what there was, who changed it, and what it has already."""

import os
from typing import Any, Dict, List

from .layout import Generation, Site, find_current, interpreter_key, list_generations, minor_of, need_current
from .names import is_ours


def describe_status(site: Site) -> Dict[str, Any]:
    """The generation in force, its environments with their packages, and names not as they should be."""
    current = need_current(site)
    directory = current.value["bin"]
    return {
        "prefix": site.prefix,
        "bin": directory,
        "generation": current.number,
        "id": current.value["id"],
        "name": current.value["name"],
        "time": current.value["time"],
        "user": current.value["user"],
        "signed_by": current.value.get("signed_by") or None,
        "environments": [_describe_environment(current, entry) for entry in current.environments],
        "missing_names": [
            os.path.join(directory, name) for name in current.names if not is_ours(site, directory, name)
        ],
        "interrupted": os.path.exists(site.journal),
    }


def _describe_environment(generation: Generation, entry: Dict[str, Any]) -> Dict[str, Any]:
    wheels = [generation.value["wheels"][sha256] for sha256 in entry["wheels"]]
    packages = sorted(
        ({"project": one["project"], "version": one["version"]} for one in wheels), key=_by_project
    )
    return {
        "name": entry["name"],
        "aliases": entry["aliases"],
        "python": entry["found"]["version"],
        "interpreter": entry["found"]["executable"],
        "packages": packages,
    }


def _by_project(package: Dict[str, str]) -> str:
    return package["project"]


def describe_generations(site: Site) -> List[Dict[str, Any]]:
    """All whole generations, from the first."""
    current = find_current(site)
    return [
        {
            "generation": one.number,
            "in_force": current is not None and one.number == current.number,
            "id": one.value["id"],
            "name": one.value["name"],
            "time": one.value["time"],
            "user": one.value["user"],
            "environments": [
                {"name": entry["name"], "python": entry["found"]["version"], "packages": len(entry["wheels"])}
                for entry in one.environments
            ],
        }
        for one in list_generations(site)
    ]


def describe_inventory(site: Site) -> Dict[str, Any]:
    """What this site has, for a bundle that leaves it out (`--since`)."""
    current = find_current(site)
    generations = list_generations(site)
    pythons = {}
    for entry in current.environments if current else []:
        found = entry["found"]
        pythons[minor_of(entry)] = {name: found[name] for name in ("version", "abi")}
        pythons[minor_of(entry)]["path"] = found["executable"]
    return {
        "format": "pannier-site-inventory",
        "version": 1,
        "id": current.value["id"] if current else None,
        "prefix": site.prefix,
        "platform": _describe_platform(),
        "pythons": pythons,
        "wheels": sorted(
            [sha256, minor] for sha256, minor in {pair for one in generations for pair in one.pooled}
        ),
        "interpreters": sorted(
            {
                interpreter_key(entry["interpreter"]["file"])
                for one in generations
                for entry in one.environments
                if entry["interpreter"]["kind"] == "bundled"
            }
        ),
    }


def _describe_platform() -> str:
    try:
        libc = (os.confstr("CS_GNU_LIBC_VERSION") or "").replace(" ", "")
    except (AttributeError, ValueError, OSError):
        libc = ""
    return f"linux-{os.uname().machine}" + (f"-{libc}" if libc else "")

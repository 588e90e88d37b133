"""What the commands print for people."""

from typing import Any, Callable, Dict, List

from .layout import format_size


def _install(result: Dict[str, Any]) -> str:
    if result["dry_run"]:
        return _describe_plan(result)
    if result["unchanged"]:
        line = f"{result['prefix']}: this bundle is in force already, as generation {result['in_force']}"
        return f"{line}; --force installs it anew\n"
    names = ", ".join(one["name"] for one in result["environments"])
    lines = [f"generation {result['generation']} is in force in {result['prefix']}: {names}"]
    if result["signed_by"]:
        lines.append(f"signed by {result['signed_by']}")
    if result["in_force"]:
        lines.append(f"back to generation {result['in_force']}: {result['prefix']}/site rollback")
    return "\n".join(lines) + "\n"


def _describe_plan(result: Dict[str, Any]) -> str:
    lines = [
        "everything is as it should be; nothing was changed. An installation would",
        f"  unpack {result['unpacked']} wheels below {result['prefix']}, {format_size(result['bytes'])}",
    ]
    lines += [
        f"  build {one['name']}: {one['wheels']} packages, Python {one['python']}, with {one['interpreter']}"
        for one in result["environments"]
    ]
    lines += [f"  keep {name} as it is" for name in result["kept"]]
    lines.append(f"  put their names into {result['bin']}")
    if result["signed_by"]:
        lines.append(f"signed by {result['signed_by']}")
    lines += ["note: " + note for note in result["notes"]]
    if result["unchanged"]:
        lines.append(f"note: this bundle is in force already, as generation {result['in_force']}")
    return "\n".join(lines) + "\n"


def _status(result: Dict[str, Any]) -> str:
    place = f"{result['name']} in {result['prefix']}: generation {result['generation']}"
    lines = [f"{place}, installed {result['time']} by {result['user']}"]
    if result["signed_by"]:
        lines.append(f"signed by {result['signed_by']}")
    for one in result["environments"]:
        names = ", ".join([one["name"]] + one["aliases"])
        lines.append(f"\n{names}: Python {one['python']} ({one['interpreter']}), names in {result['bin']}")
        lines += [f"  {package['project']} {package['version']}" for package in one["packages"]]
    lines += [f"warning: {path} does not start its environment" for path in result["missing_names"]]
    if result["interrupted"]:
        lines.append("note: an installation is under way, or was interrupted; the next one cleans up")
    return "\n".join(lines) + "\n"


def _list(result: Dict[str, Any]) -> str:
    lines: List[str] = []
    for one in result["generations"]:
        mark = "*" if one["in_force"] else " "
        environments = ", ".join(
            f"{entry['name']} ({entry['python']}, {entry['packages']} packages)"
            for entry in one["environments"]
        )
        lines.append(
            f"{mark} {one['generation']}  {one['time']}  {one['user']}  {one['id'][:12]}  {environments}"
        )
    return "\n".join(lines) + "\n"


def _rollback(result: Dict[str, Any]) -> str:
    if result["generation"] == result["before"]:
        return f"generation {result['generation']} is in force already; its names are in place\n"
    return f"generation {result['generation']} is in force again, instead of {result['before']}\n"


def _verify(result: Dict[str, Any]) -> str:
    lines = [f"{problem['path']}: {problem['because']}" for problem in result["problems"]]
    count = len(result["problems"])
    end = f"{count} are not as installed" if count else "all as installed"
    lines.append(f"generation {result['generation']}: {result['files']} files checked, {end}")
    return "\n".join(lines) + "\n"


def _clean(result: Dict[str, Any]) -> str:
    would = "would remove" if result["dry_run"] else "removed"
    removed = ", ".join(map(str, result["removed"])) or "no generation"
    lines = [f"{would} {removed} and {result['unpacked']} unpacked wheels, {format_size(result['freed'])}"]
    for number, users in sorted(result["in_use"].items()):
        lines.append(f"generation {number} stays, for these use it:")
        lines += ["  process " + user for user in users]
    return "\n".join(lines) + "\n"


def _uninstall(result: Dict[str, Any]) -> str:
    would = "would remove" if result["dry_run"] else "removed"
    lines = [f"{would} {path}" for path in result["names"] + result["paths"]]
    if result["in_use"]:
        lines.append("programs of this site are running:")
        lines += ["  process " + user for user in result["in_use"]]
    return "\n".join(lines) + "\n"


def _log(result: Dict[str, Any]) -> str:
    lines = []
    for entry in result["entries"]:
        shown = ("time", "user", "action")
        facts = [
            f"{name}={entry[name]}" for name in sorted(entry) if name not in shown and entry[name] is not None
        ]
        lines.append("  ".join([str(entry[name]) for name in shown] + facts))
    return "\n".join(lines) + "\n" if lines else ""


PAGES: Dict[str, Callable[[Dict[str, Any]], str]] = {
    "install": _install,
    "status": _status,
    "list": _list,
    "rollback": _rollback,
    "verify": _verify,
    "clean": _clean,
    "uninstall": _uninstall,
    "log": _log,
}

"""Another Python on PATH, where the one that runs a `.pyz` does not fit.

Python 2 must be able to run this.
"""

import os
import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: F401

_QUESTION = """import sys
print("%s %d.%d %s %s" % (
    sys.implementation.name, sys.version_info[0], sys.version_info[1], sys.abiflags or "-", sys.executable
))"""


def go_to_fitting(archive, facts):
    # type: (str, dict[str, Any]) -> None
    """Give this process to a Python on PATH that fits, or end it with one line on standard error."""
    found = []
    for name in ("python" + facts["minor"], "python3", "python"):
        for directory in (os.environ.get("PATH") or os.defpath).split(os.pathsep):
            path = os.path.join(directory or ".", name)
            answer = _ask(path) if os.access(path, os.X_OK) and not os.path.isdir(path) else []
            if not answer:
                continue
            if answer[:2] == [facts["implementation"], facts["minor"]] and (
                "t" not in answer[2] or facts["platform"][2] == "any"
            ):
                os.execv(answer[3], [answer[3], "-I", "-S", archive] + sys.argv[1:])  # noqa: S606
            if answer[1] not in found:
                found.append(answer[1])
    sys.stderr.write(_complaint(archive, facts, found))
    sys.exit(1)


def _ask(path):
    # type: (str) -> list[str]
    try:
        process = subprocess.Popen(
            [path, "-I", "-S", "-c", _QUESTION],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output = process.communicate()[0].decode("utf-8", "replace")
    except OSError:
        return []
    answer = output.strip().split(" ", 3)
    return answer if process.returncode == 0 and len(answer) == 4 else []


def _complaint(archive, facts, found):
    # type: (str, dict[str, Any], list[str]) -> str
    implementation = getattr(sys, "implementation", None)
    here = "%s %d.%d" % ((implementation.name if implementation else "cpython",) + sys.version_info[:2])
    others = "only " + ", ".join("python" + one for one in found) if found else "nor any other Python 3"
    return "%s: error: `%s` is for %s %s on %s, and %s is %s%s; PATH has no python%s, %s\n" % (
        os.path.basename(archive),
        facts["name"],
        facts["implementation"],
        facts["minor"],
        facts["place"],
        sys.executable,
        here,
        getattr(sys, "abiflags", ""),
        facts["minor"],
        others,
    )

"""Real clients of an index, each in an environment of its own that is made once, below `build/`."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.end_to_end.interpreters import find_python

PLACE = Path(__file__).parents[2] / "build" / "clients"
Done = subprocess.CompletedProcess[str]


class Client(NamedTuple):
    """What a client's environment is made of.

    Attributes:
        python: Version of the interpreter; empty for the one that runs the tests.
        requirements: What is installed in it.
    """

    python: str
    requirements: tuple[str, ...]


CLIENTS: Mapping[str, Client] = {
    "pip-9": Client("3.6", ("pip==9.0.3",)),
    "pip-18": Client("3.6", ("pip==18.1",)),
    "pip-20.3": Client("3.8", ("pip==20.3.4",)),
    "pip-25": Client("", ("pip==25.3",)),
    "pip-newest": Client("", ("pip>=26",)),
    "twine-6": Client("", ("twine==6.1.0",)),
    "twine-newest": Client("", ("twine>=7",)),
    "poetry": Client("", ("poetry>=2.5",)),
    "hatch": Client("", ("hatch>=1.16",)),
    "flit": Client("", ("flit>=3.12",)),
    "setuptools-2.7": Client("2.7", ()),
    "setuptools-3.6": Client("3.6", ("setuptools==40.6.2", "wheel==0.37.1")),
    "setuptools-last-upload": Client("3.8", ("setuptools==69.5.1", "wheel==0.43.0")),
}


def client_python(name: str) -> Path:
    """The interpreter of a client's environment, which is made now if it never was.

    The test is skipped where there is no interpreter to make it of, and fails where it cannot be made.
    """
    client = CLIENTS[name]
    interpreter = find_python(client.python) if client.python else sys.executable
    if interpreter is None:
        pytest.skip(f"there is no Python {client.python} here")
    if not client.requirements:
        return Path(interpreter)
    place = PLACE / name
    stamp = " ".join((interpreter, *client.requirements))
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "stamp").is_file() or (place / "stamp").read_text() != stamp:
            shutil.rmtree(place, ignore_errors=True)
            _make(place, interpreter, client.requirements)
            (place / "stamp").write_text(stamp)
    return place / "bin" / "python"


def _make(place: Path, interpreter: str, requirements: Sequence[str]) -> None:
    uv = Path(sys.executable).with_name("uv")
    run([uv, "venv", "--quiet", "--python", interpreter, place])
    run([uv, "pip", "install", "--quiet", "--python", place / "bin" / "python", *requirements])


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
) -> Done:
    """Run a client to its end; what it says is in the assertion when it should do well and does not."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0 or not check, f"{' '.join(words)}:\n{done.stdout}{done.stderr}"
    return done


def bare_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables for a client that knows of no index but the one that it is told."""
    ours = ("PIP_", "UV_", "PYTHON", "PANNIER", "VIRTUAL_ENV", "TWINE_", "HATCH_", "POETRY_", "FLIT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {
        **kept,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "XDG_CACHE_HOME": str(home / ".cache"),
        "PIP_RETRIES": "0",
        "UV_NO_CONFIG": "1",
        "UV_NO_CACHE": "1",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "NO_COLOR": "1",
        **(extra or {}),
    }

"""The Pythons of this machine, of pyenv's or on PATH."""

import os
import shutil
import subprocess
from pathlib import Path


def find_python(minor: str) -> str | None:
    """A Python of this machine, of pyenv's or on PATH."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for path in sorted(root.glob(f"versions/{minor}.*/bin/python{minor}")):
        return str(path)
    found = shutil.which(f"python{minor}")
    if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
        return found
    return None

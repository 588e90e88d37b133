"""Directories of tiny valid wheels, to serve: made once, kept in `build/benchmark-index`."""

import io
import shutil
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "benchmark-index"
LARGE_FILE = 10 << 20


def wheel(project: str, version: str, payload: bytes = b"") -> tuple[str, bytes]:
    """The name and the bytes of a small wheel, or one with a payload stored in it."""
    information = f"{project}-{version}.dist-info"
    files = {
        f"{project}.py": b"",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n"
        "Summary: A package to measure with\nRequires-Python: >=3.8\n".encode(),
        f"{information}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{information}/RECORD": b"",
        **({f"{project}.bin": payload} if payload else {}),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return f"{project}-{version}-py3-none-any.whl", stream.getvalue()


def make_packages(projects: int, versions: int = 5) -> Path:
    """A directory with so many projects of so many wheels, one of 100 wheels, and one wheel of 10 MB."""
    directory = KEPT / f"packages-{projects}"
    if (directory / ".whole").exists():
        return directory
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    names = [(f"project_{number:05}", version) for number in range(projects) for version in range(versions)]
    for project, version in [*names, *(("hundred", version) for version in range(100))]:
        name, data = wheel(project, f"1.{version}")
        (directory / name).write_bytes(data)
    name, data = wheel("large", "1.0", bytes(range(256)) * (LARGE_FILE // 256))
    (directory / name).write_bytes(data)
    (directory / ".whole").touch()
    return directory

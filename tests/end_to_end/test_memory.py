"""Packing and unpacking stream: what is in a wheel may be larger than the memory of a login node."""

import base64
import hashlib
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.end_to_end.commands import Commands

# Of the size of the largest libraries in wheels of machine-learning projects.
LARGE_MEMBER = 480 << 20
LIMIT_MB = 400
pytestmark = pytest.mark.xdist_group("memory")  # the wheel is made once
METADATA = "pannier_test_heavy-1.0.dist-info"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def large_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel whose one library is nearly half a gigabyte and compresses about as machine code does."""
    path = tmp_path_factory.mktemp("wheels") / "pannier_test_heavy-1.0-py3-none-any.whl"
    block = random.Random(0).randbytes(1 << 19) + bytes(1 << 19)
    digest = hashlib.sha256()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:
        with wheel.open("heavy/library.so", "w", force_zip64=True) as member:
            for number in range(LARGE_MEMBER // len(block)):
                piece = number.to_bytes(8, "little") + block[8:]
                digest.update(piece)
                member.write(piece)
        files = {
            "heavy/__init__.py": "",
            f"{METADATA}/METADATA": "Metadata-Version: 2.1\nName: pannier-test-heavy\nVersion: 1.0\n",
            f"{METADATA}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        lines = [f"heavy/library.so,sha256={encoded(digest.digest())},{LARGE_MEMBER}"]
        for name, text in files.items():
            wheel.writestr(name, text)
            lines.append(f"{name},sha256={encoded(hashlib.sha256(text.encode()).digest())},{len(text)}")
        lines.append(f"{METADATA}/RECORD,,")
        wheel.writestr(f"{METADATA}/RECORD", "\n".join(lines) + "\n")
    return path


def encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def peak(commands: Commands, *command: str) -> float:
    """The largest resident size in MB of the command and the processes it waited for."""
    process = subprocess.Popen(command, cwd=commands.directory, env=commands.environment())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss / 1024


@pytest.mark.parametrize("codec", ["tar.gz", "tar.zst"])
def test_a_large_wheel_is_packed_verified_unpacked_and_run_in_little_memory(
    commands: Commands, large_wheel: Path, codec: str, tmp_path: Path
) -> None:
    own = Commands(bin=commands.bin, home=tmp_path, cache=tmp_path / "cache", directory=commands.directory)
    own.script("requirements.txt", "pannier-test-heavy\n")
    own.script("pannier.toml", f'find-links = ["{large_wheel.parent}"]\ninterpreter = "none"\n')
    pack = f"heavy.{codec}"
    assert (
        peak(own, "pannier", "pack", "requirements.txt", "--python", PYTHON, "--quiet", "-o", pack) < LIMIT_MB
    )
    assert peak(own, "pannier", "verify", "--quiet", pack) < LIMIT_MB
    assert peak(own, "pannier", "unpack", "--quiet", pack, "prefix") < LIMIT_MB
    library = own.directory / "prefix" / "lib" / f"python{PYTHON}" / "site-packages" / "heavy" / "library.so"
    assert library.stat().st_size == LARGE_MEMBER
    code = "import heavy, os; print(os.path.getsize(os.path.join(heavy.__path__[0], 'library.so')))"
    ran = own.run("pannier", "run", pack, "python3", "-c", code)
    assert int(ran.stdout) == LARGE_MEMBER

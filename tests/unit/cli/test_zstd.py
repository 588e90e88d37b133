"""The decompressor that the launcher borrows."""

import subprocess
import sys

import pytest
import zstandard

FRAMES = zstandard.compress(bytes(3_000_000)) + zstandard.compress(b"end")
COMMAND = [sys.executable, "-c", "import sys; from pannier.cli.zstd import main; sys.exit(main())", "-dc"]


def test_frames_laid_end_to_end_are_decompressed() -> None:
    done = subprocess.run(COMMAND, input=FRAMES, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == bytes(3_000_000) + b"end"


@pytest.mark.parametrize("data", [FRAMES[:-2], FRAMES + b"more", b"none at all"])
def test_damage_is_told(data: bytes) -> None:
    done = subprocess.run(COMMAND, input=data, capture_output=True)
    assert done.returncode == 1
    assert done.stderr.startswith(b"pannier-zstd: ")
    assert b"Traceback" not in done.stderr

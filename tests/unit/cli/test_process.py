"""How commands end, whatever happens to them."""

import errno
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pannier.cli.errors import render_error
from pannier.cli.process import guard
from pannier.model.errors import PannierError, UsageError


def guarded(raised: BaseException, environ: dict[str, str] | None = None) -> tuple[int, list[PannierError]]:
    shown: list[PannierError] = []

    def act() -> int:
        raise raised

    return guard(act, shown.append, argv=["pannier", "pack", "a b"], environ=environ or {}), shown


def test_what_is_raised_decides_the_exit_status() -> None:
    assert guarded(PannierError("x"))[0] == 1
    assert guarded(UsageError("x"))[0] == 2
    assert guarded(FileNotFoundError(errno.ENOENT, "no", "x"))[0] == 1
    assert guarded(SystemExit(0))[0] == 0
    assert guarded(KeyboardInterrupt()) == (130, [])


def test_a_closed_pipe_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert guarded(BrokenPipeError()) == (141, [])


def test_a_defect_is_reported_with_what_its_authors_need(monkeypatch: pytest.MonkeyPatch) -> None:
    status, (error,) = guarded(ZeroDivisionError("division by zero"))
    assert status == 70
    shown = render_error(error)
    assert "ZeroDivisionError: division by zero" in shown
    assert "pannier pack 'a b'" in shown
    assert "pannier 0." in shown
    assert "PANNIER_TRACEBACK=1" in shown
    assert "Traceback" not in shown


def test_the_traceback_comes_when_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(ZeroDivisionError("x"), {"PANNIER_TRACEBACK": "1"})
    assert "Traceback (most recent call last)" in capsys.readouterr().err


PREPARED = """
import sys, time
from pathlib import Path
from pannier.cli.process import guard, prepare
from pannier.store.writing import whole_file

def act():
    with whole_file(Path("out")) as stream:
        print("ready", flush=True)
        time.sleep(60)

prepare()
sys.exit(guard(act, print, argv=[], environ={}))
"""


def test_a_terminated_command_leaves_nothing_half_made(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PREPARED], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
        assert process.stderr.read() == b""
    assert list(tmp_path.iterdir()) == []


def test_any_character_can_be_printed_in_any_locale() -> None:
    code = "from pannier.cli.process import prepare; prepare(); print('caf\u00e9 \u2026')"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True
    )
    assert done.stdout == b"caf\\xe9 \\u2026\n"


def pannier(arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", f'"{sys.executable}" -m pannier.cli.main {arguments}']
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_a_standard_stream_that_is_closed_is_no_defect(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import numpy\n")
    for closed in (">&-", "2>&-", "<&-", "<&- >&- 2>&-"):
        done = pannier(f"analyze a.py -o spec.json {closed}", tmp_path)
        assert done.returncode == 0, done.stderr
        assert "numpy" in (tmp_path / "spec.json").read_text()
    assert pannier("analyze - <&-", tmp_path).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is of Linux")
@pytest.mark.parametrize("arguments", ["analyze a.py", "analyze a.py --json", "analyze absent.py --json"])
def test_a_full_disk_behind_standard_output_is_one_error(tmp_path: Path, arguments: str) -> None:
    (tmp_path / "a.py").write_text("import numpy\n")
    done = pannier(f"{arguments} >/dev/full", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: standard output cannot be written\n")
    assert done.stderr.endswith("code: output-not-written\n")


def test_an_interrupt_shows_no_traceback_whenever_it_comes(tmp_path: Path) -> None:
    code = "from pannier.cli.start import main; print('up', flush=True); main()"
    for wait in (0.0, 0.02, 0.05, 0.1):
        command = [sys.executable, "-c", code, "analyze", "/usr/lib"]
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            time.sleep(wait)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        # The first word of `main` is what makes it quiet; before that, Python itself hears the signal.
        assert wait == 0.0 or "Traceback" not in errors

"""A server that cannot do what it is asked to says so before it listens, however many processes it has."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pannier.model.errors import UsageError
from pannier.server.running import serve
from pannier.server.settings import ServeSettings


def _settings(directory: Path, field: str, name: str, workers: int = 1) -> ServeSettings:
    files = {"htpasswd": "", "rights": "", field: str(directory / name)}
    return ServeSettings(
        directories=(directory,),
        port=0,
        workers=workers,
        htpasswd=files["htpasswd"],
        rights=files["rights"],
    )


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("field", ["htpasswd", "rights"])
def test_a_missing_file_of_users_is_refused_before_the_start(
    tmp_path: Path, workers: int, field: str
) -> None:
    settings = _settings(tmp_path, field, "nowhere", workers)
    started: list[str] = []
    with pytest.raises(UsageError, match="nowhere"):
        serve(settings, started.append)
    assert not started


@pytest.mark.parametrize("field", ["htpasswd", "rights"])
def test_a_file_of_users_that_is_no_text_is_refused_before_the_start(tmp_path: Path, field: str) -> None:
    (tmp_path / "file").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        serve(_settings(tmp_path, field, "file"))


def test_a_password_file_of_another_user_is_refused_before_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0)
    # Root reads everything, unless it gives that right up.
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    serving = [sys.executable, "-m", "pannier", "serve", str(tmp_path), "--htpasswd", str(tmp_path / "file")]
    done = subprocess.run([*drop, *serving, "--port", "0"], capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 2)
    assert "cannot be read" in done.stderr


@pytest.mark.parametrize(
    ("host", "word"), [("192.0.2.1", "no such address"), ("no.such.host.invalid", "another address")]
)
def test_an_address_of_another_machine_is_explained(tmp_path: Path, host: str, word: str) -> None:
    with pytest.raises(UsageError) as caught:
        serve(ServeSettings(directories=(tmp_path,), port=0, host=host))
    assert word in caught.value.hint


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port}"):
            serve(ServeSettings(directories=(tmp_path,), port=port))

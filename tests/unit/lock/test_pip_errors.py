import pytest

from pannier.lock.pip_errors import error_from_pip
from pannier.model.target import Platform, Target

TARGET = Target(python_version="2.7.18", platform=Platform.parse("linux-x86_64"))
LOG = "  Found link https://index.example/files/six-1.0.tar.gz (from https://index.example/simple/six/)"
NONE = "ERROR: No matching distribution found for "
SAID = {
    "project-unknown": NONE + "nope>=1",
    "requirements-unsatisfiable": NONE + "six==99",
    "index-unreachable": "WARNING: Retrying (Retry(total=4)) after connection broken by "
    "'NewConnectionError': /simple/six/\n" + NONE + "six",
    "index-refused": "WARNING: 401 Error, Credentials not correct for "
    "https://me:secret@index.example/simple/six/\n" + NONE + "six",
    "build-failed": "ERROR: Command errored out with exit status 1: python setup.py egg_info",
    "pip-failed": "ERROR: something else",
}


@pytest.mark.parametrize("code", SAID)
def test_what_pip_says_becomes_an_error(code: str) -> None:
    error = error_from_pip("DEPRECATION: Python 2.7 reached the end of its life\n" + SAID[code], LOG, TARGET)
    assert error.code == code
    assert "secret" not in str(error.facts)
    assert "DEPRECATION" not in str(error.facts)


def test_offline_pip_looks_in_directories_only() -> None:
    error = error_from_pip(SAID["project-unknown"], LOG, TARGET, offline=True)
    assert error.code == "offline-not-cached"

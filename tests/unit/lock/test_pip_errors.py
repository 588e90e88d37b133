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


def test_sdists_that_do_not_build_are_named_with_the_reason() -> None:
    why = "Command errored out with exit status 1: python setup.py egg_info Check the logs."
    place = "http://127.0.0.1:1/x"
    said = "Collecting old-sql\n" + "".join(
        f"WARNING: Discarding {place}/files/{number}/old_sql-1.{number}.tar.gz (from {place}/). {why}\n"
        for number in (4, 3)
    )
    said += "ERROR: Could not find a version that satisfies the requirement old-sql\n"
    said += "ERROR: No matching distribution found for old-sql\n"
    log = "".join(
        f"2026-11-26T18:56:18,422       raise EnvironmentError()\n"
        f"2026-11-26T18:56:18,422     EnvironmentError: sql_config not found\n"
        f"2026-11-26T18:56:18,453 WARNING: Discarding http://127.0.0.1:1/x/files/{number}/old_sql-1.{number}.tar.gz\n"
        for number in (4, 3)
    )
    error = error_from_pip(said, log, TARGET, known={"old-sql"})
    assert error.code == "build-failed"
    assert error.message == "no release of `old_sql` can be built here to learn what it needs"
    assert error.facts["tried"] == ["old_sql 1.4", "old_sql 1.3"]
    assert error.facts["reason"] == ["EnvironmentError: sql_config not found"]

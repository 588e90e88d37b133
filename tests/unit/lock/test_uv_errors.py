from pathlib import Path

import pytest

from pannier.lock.engine import ResolveOptions
from pannier.lock.uv import uv_environment
from pannier.lock.uv_engine import resolve_with_uv
from pannier.lock.uv_errors import error_from_uv, unknown_projects, unknown_projects_error
from pannier.model.errors import UsageError
from pannier.model.events import SilentReporter
from pannier.model.spec import Spec
from pannier.model.target import Platform, Target
from pannier.store.directories import CacheDirectories
from pannier.store.index_settings import IndexSettings

TARGET = Target(python_version="3.11.7", platform=Platform.parse("linux-x86_64"))

NO_SOLUTION = "error: No solution found when resolving dependencies\n  cause: "
END = " we can conclude that your requirements are unsatisfiable."
SAID = {
    "project-unknown": NO_SOLUTION
    + "Because nope was not found in the package registry and you require nope,"
    + END,
    "requirements-unsatisfiable": NO_SOLUTION
    + "Because there is no version of six==99 and you require six==99,"
    + END,
    "no-compatible-wheel": NO_SOLUTION
    + "Because pyyaml==5.4 has no usable wheels and you require pyyaml==5.4,"
    + END,
    "offline-not-cached": NO_SOLUTION
    + "Because flask was not found in the cache and you require flask,"
    + END
    + "\n\nhint: Packages were unavailable because the network was disabled.",
    "index-unreachable": "error: Request failed after 3 retries in 5.3s\n"
    "  cause: Failed to fetch: https://me:secret@index.example/simple/flask/\n"
    "  cause: error sending request for url (https://me:secret@index.example/simple/flask/)\n"
    "  cause: client error (Connect)\n  cause: dns error\n"
    "  cause: failed to lookup address information: Name or service not known",
    "index-refused": "error: Failed to fetch: `https://index.example/simple/flask/`\n"
    "  cause: HTTP status client error (403 Forbidden) for url (https://index.example/simple/flask/)",
    "build-failed": "error: Failed to build `source==1.0`\n  cause: The build backend returned an error",
    "disk-full": "error: Failed to write to the client cache\n"
    "  cause: failed to write to file `/c/uv/.tmp2`: No space left on device (os error 28)",
    "uv-failed": "error: something new",
}


@pytest.mark.parametrize("code", SAID)
def test_what_uv_says_becomes_the_error_that_fits(code: str) -> None:
    error = error_from_uv(SAID[code], TARGET)
    assert error.code == code
    assert not error.message.endswith(".")
    assert "secret" not in f"{error.message}{error.facts}"


def test_a_host_that_was_not_reached_is_named_with_the_reason() -> None:
    error = error_from_uv(SAID["index-unreachable"], TARGET)
    assert error.facts["host"] == "index.example"
    assert error.facts["reason"] == "failed to lookup address information: Name or service not known"


def test_unknown_projects_are_found_over_broken_lines() -> None:
    text = "Because a-b was not found in the package\n   registry and c was not found in the package registry"
    assert unknown_projects(text) == ["a-b", "c"]
    assert unknown_projects_error(["a", "b"]).facts["unknown"] == ["`a`", "`b`"]


def test_uv_sees_the_users_network_and_none_of_the_users_environments(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directories = CacheDirectories(tmp_path_factory.getbasetemp())
    environ = {
        "HTTPS_PROXY": "p", "UV_INDEX_CORP_PASSWORD": "s", "UV_HTTP_TIMEOUT": "9", "VIRTUAL_ENV": "v",
        "UV_PYTHON": "3.8", "UV_PROJECT": "x", "UV_CACHE_DIR": "/elsewhere", "PYTHONPATH": "p",
    }  # fmt: skip
    seen = uv_environment(environ, directories, IndexSettings(by_uv=True))
    assert {"HTTPS_PROXY", "UV_INDEX_CORP_PASSWORD", "UV_HTTP_TIMEOUT"} <= set(seen)
    assert not {"VIRTUAL_ENV", "UV_PYTHON", "UV_PROJECT", "PYTHONPATH"} & set(seen)
    assert seen["UV_CACHE_DIR"] == str(directories.uv)
    assert seen["UV_PYTHON_DOWNLOADS"] == "never"


def test_what_is_no_date_is_refused_before_uv_is_asked(tmp_path: Path) -> None:
    options = ResolveOptions(directories=CacheDirectories(tmp_path), exclude_newer="yesterday")
    with pytest.raises(UsageError) as caught:
        resolve_with_uv(Spec(requirements=("six",)), TARGET, options, SilentReporter())
    assert caught.value.code == "date-invalid"


def test_a_build_that_failed_names_what_and_why() -> None:
    said = (
        "error: Failed to build `mine @ file:///home/me/mine`\n  cause: The build backend returned an error\n"
        "  [stderr]\n  Traceback (most recent call last):\n    File x, line 1\n"
        "  ValueError: invalid pyproject.toml config\n  `project` must contain ['version']\n\n"
        "  hint: Build failures usually indicate a problem with the package\n"
    )
    error = error_from_uv(said, TARGET)
    assert error.message == "`mine` could not be built to learn what it needs"
    assert error.facts["reason"] == [
        "ValueError: invalid pyproject.toml config",
        "`project` must contain ['version']",
    ]
    assert error.hint == "mend what its build tool complains of"
    assert "wheel" in error_from_uv(SAID["build-failed"], TARGET).hint

"""What every kind of test may ask for."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A machine may be slow or busy; that is no failure of what is tested.
settings.register_profile("pannier", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pannier")

ROOT = Path(__file__).parents[1]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """See to it that a group of tests runs in one process: not every pytest-xdist can, with every pytest."""
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        if item.get_closest_marker("xdist_group") and "@" not in item.nodeid.rpartition("]")[2]:
            raise pytest.UsageError(
                "groups of tests are not kept together: take `--dist loadgroup`, and pyproject.toml's pytest"
            )


@pytest.fixture(scope="session")
def pannier_bin() -> Path:
    """The commands as users get them: of the wheel, installed away from the source tree.

    `scripts/test.sh` installs it once and says where; a bare pytest builds it here, once for all workers.
    """
    given = os.environ.get("PANNIER_BIN")
    if given:
        return Path(given)
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with (build / "installed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        newest = max(path.stat().st_mtime for path in (ROOT / "src").rglob("*") if path.is_file())
        stamp = build / "installed" / "stamp"
        if not stamp.exists() or stamp.stat().st_mtime < newest:
            _install_wheel(build)
            stamp.touch()
    return build / "installed" / "bin"


def _install_wheel(build: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    shutil.rmtree(build / "wheel", ignore_errors=True)
    shutil.rmtree(build / "installed", ignore_errors=True)
    python = build / "installed" / "bin" / "python"
    for arguments in (
        ["build", "--quiet", "--wheel", "--out-dir", str(build / "wheel"), str(ROOT)],
        ["venv", "--quiet", "--python", sys.executable, str(build / "installed")],
    ):
        subprocess.run([uv, *arguments], check=True)
    wheel = next((build / "wheel").glob("*.whl"))
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), str(wheel)], check=True)

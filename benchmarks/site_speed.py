"""Sites: locking and bundling against `pip download`, installing against pip and uv, and going back.

Two environments of the Pythons that are oldest, then one of 3.8, which uv installs for as well. pip is the
last for each Python, run by that Python: the ones that came with them know no current wheels. Smoke tests are
left out, for the peers have none.
"""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from measure import compare, print_ratio, remove, run_once
from stack import WORK, environment_of, installed

_REQUIREMENTS = {
    "2.7": (
        "numpy",
        "matplotlib",
        "PyYAML",
        "requests",
        "flask",
        "openpyxl",
        "xlrd",
        "functools32",
        "docopt",
    ),
    "3.6": ("numpy", "matplotlib", "PyYAML", "requests", "flask", "openpyxl", "xlrd", "docopt", "crcmod"),
    "3.8": ("numpy", "matplotlib", "PyYAML", "requests", "flask", "openpyxl", "xlrd", "pandas"),
}
_PIPS = {"2.7": "20.3.4", "3.6": "21.3.1"}
# That of 2.7 has the newer resolver too, and needs it: the older one stops at a project of a newer Python.
_RESOLVERS = {"2.7": "--use-feature=2020-resolver", "3.6": ""}
_UV = Path(sys.executable).with_name("uv")
_PLACE = WORK / "sites"
_ROLLBACKS = 11


def main() -> None:
    """Print one line for each promise."""
    pannier = installed() / "pannier"
    old = _Site("old", ("2.7", "3.6"), pannier)
    pips = {minor: _pip(minor) for minor in old.minors}
    _lock_and_bundle(old, pips)
    _install_old(old, pips)
    _roll_back(old)
    _install_with_uv(_Site("uv", ("3.8",), pannier))


class _Site:
    """A site.toml with its requirements, and the commands about it."""

    def __init__(self, name: str, minors: tuple[str, ...], pannier: Path) -> None:
        self.minors = minors
        self._aside = 0
        self.place = _PLACE / name
        self.bundle = self.place / "site.run"
        self.environment = {**environment_of(pannier.parent), "PANNIER_CACHE_DIR": str(_PLACE / "cache")}
        self.place.mkdir(parents=True, exist_ok=True)
        text = f'[site]\nprefix = "{self.place}/there"\nbin = "{self.place}/bin"\n'
        for minor in minors:
            text += f'[environment.py{minor.replace(".", "")}]\npython = "{minor}"\n'
            text += f'requirements = ["requirements-{minor}.txt"]\n'
            (self.place / f"requirements-{minor}.txt").write_text("\n".join(_REQUIREMENTS[minor]) + "\n")
        (self.place / "site.toml").write_text(text)
        self.make = f"'{pannier}' site lock -q && '{pannier}' site bundle -q -o site.run"
        self.install = f"sh site.run install --prefix '{self.place}/there' --bin '{self.place}/bin'"

    def forget_locks(self) -> None:
        remove(*self.place.glob("pylock.*.toml"))

    def put_aside(self, *names: str) -> None:
        """Let the next installation find nothing there.

        It is removed later: ext4 looks long for an inode where others were freed a minute ago.
        """
        for name in names:
            if (self.place / name).exists():
                self._aside += 1
                (self.place / name).rename(self.place / f"aside-{self._aside}")

    def forget_installed(self) -> None:
        self.put_aside("there", "bin")
        (self.place / "bin").mkdir()

    def tidy(self) -> None:
        """Remove what was put aside."""
        remove(*self.place.glob("aside-*"))

    def unpack(self) -> Path:
        """The bundle, unpacked for other installers."""
        remove(self.place / "unpacked")
        zipfile.ZipFile(self.bundle).extractall(self.place / "unpacked")
        return self.place / "unpacked"

    def lists(self) -> dict[str, Path]:
        return {
            minor: self.place / f"unpacked/requirements.py{minor.replace('.', '')}.txt"
            for minor in self.minors
        }


def _python(minor: str) -> str:
    # pyenv's own first: what it puts on PATH only starts the versions that are switched on.
    own = sorted(Path.home().glob(f".pyenv/versions/{minor}.*/bin/python{minor}"))
    found = str(own[0]) if own else shutil.which(f"python{minor}")
    if not found:
        raise SystemExit(f"there is no Python {minor} here")
    return found


def _pip(minor: str) -> str:
    """The command of the last pip for a Python, with its files outside of the wheel."""
    place = _PLACE / f"pip-{minor}"
    if not place.exists():
        wheels = _PLACE / "pips"
        fetch = [_python("3.8"), "-m", "pip", "download", "-q", "--no-deps", f"pip=={_PIPS[minor]}"]
        subprocess.run([*fetch, "-d", str(wheels)], check=True)
        zipfile.ZipFile(next(wheels.glob(f"pip-{_PIPS[minor]}-*.whl"))).extractall(place)
    return f"'{_python(minor)}' '{place}/pip'"


def _lock_and_bundle(site: _Site, pips: dict[str, str]) -> None:
    download = " && ".join(
        f"{pip} download -q --disable-pip-version-check {_RESOLVERS[minor]} -d downloaded-{minor} "
        f"-r requirements-{minor}.txt"
        for minor, pip in pips.items()
    )

    def forget_downloads() -> None:
        remove(*site.place.glob("downloaded-*"))

    for command in (site.make, download):  # whatever is cold becomes warm
        if not site.bundle.exists() or not list(site.place.glob("downloaded-*")):
            run_once(command, env=site.environment, cwd=site.place)
    ours, theirs = compare(
        site.make,
        download,
        runs=1,
        before_ours=site.forget_locks,
        before_theirs=forget_downloads,
        env=site.environment,
        cwd=site.place,
    )
    print_ratio("lock and bundle, 2.7 and 3.6, warm", ours, "pip download", theirs, "0.5 or less")
    seconds = [run_once(site.make, env=site.environment, cwd=site.place)[0] for _ in range(5)]
    print(f"lock and bundle, nothing changed: {sorted(seconds)[2]:.2f} s (under 2 s)", flush=True)


def _install_old(site: _Site, pips: dict[str, str]) -> None:
    site.unpack()
    lists = site.lists()
    install = " && ".join(
        f"{pip} install -q --disable-pip-version-check --no-cache-dir --no-index "
        "--require-hashes --ignore-installed "
        f"--no-warn-script-location --prefix '{site.place}/pip-{minor}' "
        f"-r '{lists[minor]}'"
        for minor, pip in pips.items()
    )
    ours, theirs = compare(
        site.install,
        install,
        runs=3,
        before_ours=site.forget_installed,
        before_theirs=lambda: site.put_aside(*(f"pip-{minor}" for minor in pips)),
        env=site.environment,
        cwd=site.place,
    )
    print_ratio("install, 2.7 and 3.6, with byte code", ours, "pip install", theirs, "0.5 or less")
    _print_cpu(ours.cpu, theirs.cpu)
    site.tidy()


def _roll_back(site: _Site) -> None:
    run_once(f"{site.install} --force", env=site.environment, cwd=site.place)
    command = [site.place / "there/site", "rollback"]
    seconds = []
    for _ in range(_ROLLBACKS):
        seconds.append(run_once(command, env=site.environment)[0])
        run_once([*command, "2"], env=site.environment)
    print(f"rollback: {sorted(seconds)[_ROLLBACKS // 2] * 1000:.0f} ms (under 100 ms)", flush=True)


def _install_with_uv(site: _Site) -> None:
    run_once(site.make, env=site.environment, cwd=site.place)
    unpacked = site.unpack()
    install = (
        f"'{_UV}' venv -q --no-config --python '{_python('3.8')}' uv-venv && "
        f"'{_UV}' pip install -q --no-config --no-cache --offline --no-index "
        f"--find-links '{unpacked}/wheels' --require-hashes --compile-bytecode "
        f"--python uv-venv/bin/python -r '{site.lists()['3.8']}'"
    )
    ours, theirs = compare(
        site.install,
        install,
        runs=5,
        before_ours=site.forget_installed,
        before_theirs=lambda: site.put_aside("uv-venv"),
        env=site.environment,
        cwd=site.place,
    )
    print_ratio("install, 3.8, with byte code", ours, "uv pip install", theirs, "1 or less")
    _print_cpu(ours.cpu, theirs.cpu)
    site.tidy()


def _print_cpu(ours: tuple[float, ...], theirs: tuple[float, ...]) -> None:
    mine, peer = sorted(ours)[len(ours) // 2], sorted(theirs)[len(theirs) // 2]
    print(f"  CPU: {mine:.1f} s; {peer:.1f} s; ratio {mine / peer:.2f}", flush=True)


if __name__ == "__main__":
    main()

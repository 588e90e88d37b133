"""A bundle installed on this machine before it is sent, without a network and with the same interpreters."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from pannier import __version__
from pannier.formats.site_manifests import Manifest, Rehearsal
from pannier.model.errors import PackError
from pannier.model.events import Reporter, SilentReporter, Stage
from pannier.site.bundle import write_bundle
from pannier.site.bundle_plan import BundlePlan

_SAID = 2000
# Settings of Linux, Debian's and Ubuntu's among them, with the value that forbids users namespaces, or all.
_SETTINGS = {
    "user.max_user_namespaces": "0",
    "user.max_net_namespaces": "0",
    "kernel.unprivileged_userns_clone": "0",
    "kernel.apparmor_restrict_unprivileged_userns": "1",
}


class Rehearser:
    """Installs a bundle into a directory that is removed again, and lets its smoke tests run.

    Args:
        plan: What the whole site consists of, whatever a server has already.
        pythons: `major.minor` to an interpreter of this machine, for those that do not travel.
        reporter: Hears that it goes on.
    """

    def __init__(self, plan: BundlePlan, pythons: Mapping[str, str], reporter: Reporter) -> None:
        self._plan = plan
        self._pythons = pythons
        self._reporter = reporter

    def __call__(self, bundle: Path, manifest: Manifest) -> Rehearsal:
        """Rehearse.

        Raises:
            PackError: This machine cannot take the network away, or the bundle could not be installed.
        """
        isolation = network_isolation()
        stage = Stage(name="rehearsing")
        self._reporter.begin(stage)
        try:
            with tempfile.TemporaryDirectory(prefix="pannier-rehearsal.") as directory:
                place = Path(directory)
                if manifest.since:
                    # What the server has already is not in this bundle, and is to be tested with it.
                    bundle = place / "whole.run"
                    write_bundle(self._plan, bundle, SilentReporter())
                self._install(isolation, bundle, place)
        finally:
            self._reporter.end(stage)
        names = tuple(environment.name for environment in manifest.environments)
        return Rehearsal(tool=f"pannier {__version__}", environments=names)

    def _install(self, isolation: tuple[str, ...], bundle: Path, place: Path) -> None:
        command = [*isolation, "sh", str(bundle), "install"]
        command += ["--prefix", str(place / "envs"), "--bin", str(place / "bin")]
        for minor, executable in sorted(self._pythons.items()):
            command += ["--python", f"{minor}={executable}"]
        variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        variables["PANNIER_PYTHON"] = sys.executable
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=variables,
            cwd=place,
            check=False,
        )
        if done.returncode:
            said = (done.stderr + done.stdout).decode("utf-8", "replace").strip()
            raise PackError(
                "the rehearsal failed: the bundle could not be installed on this machine",
                code="rehearsal-failed",
                facts={"installer": said[-_SAID:].splitlines() or ["it said nothing"]},
                hint="mend what it says and bundle again; nothing was written",
            )


def network_isolation() -> tuple[str, ...]:
    """The command that starts another without a network.

    Raises:
        PackError: This machine does not allow it.
    """
    unshare = shutil.which("unshare")
    said = "there is no `unshare` (util-linux)"
    # Root of a container may lack the right to do the first, and may still have a user namespace of its own.
    for options in (("-n",), ("-r", "-n")) if os.geteuid() == 0 else (("-r", "-n"),):
        if unshare is None:
            break
        command = (unshare, *options)
        done = subprocess.run([*command, "true"], capture_output=True, check=False)
        if not done.returncode:
            return command
        said = done.stderr.decode("utf-8", "replace").strip() or f"it ended with {done.returncode}"
    facts: dict[str, str | list[str]] = {"unshare": said}
    if forbidding := list(_forbidding_settings()):
        facts["this kernel's settings"] = forbidding
    raise PackError(
        "the bundle cannot be rehearsed: this machine does not allow a process without a network",
        code="rehearsal-impossible",
        facts=facts,
        hint="rehearse as root or where user namespaces are allowed, or leave `--rehearse` out",
    )


def _forbidding_settings() -> Iterator[str]:
    """What an administrator, or a distribution, has set against it."""
    for name, forbids in _SETTINGS.items():
        try:
            value = Path("/proc/sys", name.replace(".", "/")).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if value == forbids:
            yield f"{name} = {value}"

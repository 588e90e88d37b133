"""OpenSSH's signatures (`ssh-keygen -Y`): who vouches for a bundle, by keys that the site trusts."""

import os
import shutil
import subprocess
import tempfile
from typing import List, NamedTuple, Optional, Sequence, Tuple

from pannier.runtime.errors import ArchiveError, printable

from .bundle import Bundle
from .layout import Site

NAMESPACE = "pannier-site"
_MACHINE_SIGNERS = "/etc/pannier/allowed_signers"
_HINT = "ask whoever made the bundle; do not install it before this is cleared up"


class Signed(NamedTuple):
    """What is known of a signature.

    Attributes:
        by: The principal whose key made it; empty when nobody here says which keys to trust.
        note: What to tell the reader, empty when all is well.
    """

    by: str
    note: str


def find_allowed_signers(site: Site, given: str) -> str:
    """The file of trusted keys: the one named, the site's own, or the machine's; empty when there is none."""
    for path in (given, os.path.join(site.state, "allowed_signers"), _MACHINE_SIGNERS):
        if path and (path == given or os.path.exists(path)):
            return path
    return ""


def check_signature(bundle: Bundle, signers: str, required: bool) -> Tuple[Signed, Optional[ArchiveError]]:
    """Check a bundle's signature.

    Args:
        bundle: Perhaps signed.
        signers: The file of trusted keys; with one, an unsigned bundle is refused.
        required: Refuse one that nobody trusted has signed, also without such a file.
    """
    if not bundle.signature:
        if signers or required:
            facts = {"trusted keys": printable(signers)} if signers else {}
            return Signed("", ""), _refused("this bundle is not signed, and must be", **facts)
        return Signed("", "the bundle is not signed"), None
    if not shutil.which("ssh-keygen"):
        if signers or required:
            return Signed("", ""), _refused("the signature cannot be checked: there is no `ssh-keygen` here")
        return Signed("", "the signature was not checked: there is no `ssh-keygen` here"), None
    if not signers:
        said = _run_keygen(bundle, ["check-novalidate"])[1]
        if said or required:
            return Signed("", ""), _refused(
                "the signature is not one over this bundle" if said else "there are no keys to trust here",
                because=said or "name a file of them with --allowed-signers",
            )
        return Signed("", "signed, by a key that nobody here has said to trust"), None
    return _check_signers(bundle, signers)


def _check_signers(bundle: Bundle, signers: str) -> Tuple[Signed, Optional[ArchiveError]]:
    if not os.path.exists(signers):
        missing = _refused("there is no such file of trusted keys", path=printable(signers))
        missing.hint = (
            "name the file that holds your keys with --allowed-signers; ssh-keygen(1) says what stands in it"
        )
        return Signed("", ""), missing
    found, said = _run_keygen(bundle, ["find-principals", "-f", signers])
    # Before 8.2 ssh-keygen did not know how to ask; then those without patterns are tried.
    for principal in found or _literal_principals(signers):
        said = _run_keygen(bundle, ["verify", "-f", signers, "-I", principal])[1]
        if not said:
            return Signed(principal, ""), None
    return Signed("", ""), _refused(
        "the signature is not by a key trusted here, or not over this bundle",
        because=said or "no such key",
        **{"trusted keys": printable(signers)},
    )


def _refused(message: str, **facts: str) -> ArchiveError:
    return ArchiveError(message, "untrusted-bundle", facts, _HINT)


def _literal_principals(signers: str) -> List[str]:
    found: List[str] = []
    with open(signers, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if line.strip() and not line.startswith("#"):
                found += [name for name in line.split()[0].split(",") if not set(name) & set("*?!")]
    return found


def _run_keygen(bundle: Bundle, action: Sequence[str]) -> Tuple[List[str], str]:
    """Run `ssh-keygen -Y`; return the lines it printed and, when it failed, why."""
    with tempfile.NamedTemporaryFile(prefix="pannier-", suffix=".sig") as signature:
        signature.write(bundle.signature)
        signature.flush()
        command = ["ssh-keygen", "-Y", action[0], *action[1:], "-n", NAMESPACE, "-s", signature.name]
        try:
            done = subprocess.run(
                command,
                input=bundle.manifest_bytes,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=60,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            return [], printable(str(error))
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.returncode == 0:
        return lines, ""
    said = (done.stderr.decode("utf-8", "replace").strip().splitlines() or lines or ["it failed"])[-1]
    return [], printable(said)

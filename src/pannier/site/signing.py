"""Signatures of bundles, by OpenSSH with keys that a site already has.

Standard: SSHSIG, as `ssh-keygen -Y sign` writes it and `ssh-keygen -Y verify` checks it (OpenSSH 8.1 on).
"""

import subprocess
from pathlib import Path

from pannier.model.errors import PackError

NAMESPACE = "pannier-site"


def check_key(key: Path) -> None:
    """Say early that a key is not there.

    Raises:
        PackError: It is not.
    """
    if not key.is_file():
        raise PackError(
            f"there is no key `{key}`",
            code="signing-failed",
            hint="name a private key of OpenSSH, or a public one whose private key `ssh-agent` has",
        )


def sign(data: bytes, key: Path) -> bytes:
    """Sign a manifest; a key with a passphrase is asked for on the terminal.

    Args:
        data: The manifest as it lies in the bundle.
        key: A private key, or a public one whose private key the user's `ssh-agent` has.

    Raises:
        PackError: It could not be signed.
    """
    command = ["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", str(key)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise PackError(
            "the bundle cannot be signed: there is no `ssh-keygen`",
            code="signing-failed",
            hint="install OpenSSH's client (8.1 or newer)",
        ) from error
    if done.returncode or not done.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        raise PackError(
            f"the bundle could not be signed with `{key}`",
            code="signing-failed",
            facts={"ssh-keygen": done.stderr.decode("utf-8", "replace").strip()[-500:] or "it said nothing"},
            hint="try the key with `ssh-keygen -Y sign -n pannier-site -f KEY FILE`",
        )
    return done.stdout

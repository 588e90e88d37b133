"""Small bundles of a site, of wheels made here, for tests that look at the server's side alone."""

import base64
import hashlib
import io
import subprocess
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pannier.runtime.site.bookkeeping import Member, format_end, format_local_header
from pannier.runtime.site.manifest import compute_id, format_canonical
from pannier.site.installer import format_header, installer_members

MEMBER_TIME = (1980, 1, 1, 0, 0, 0)


def wheel(
    project: str,
    version: str,
    files: Mapping[str, str | bytes],
    *,
    scripts: str = "",
    tag: str = "py2.py3-none-any",
) -> tuple[str, bytes]:
    """A wheel's file name and bytes."""
    name = f"{project}-{version}"
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    info = f"{name}.dist-info"
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n".encode()
    contents[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
    if scripts:
        contents[f"{info}/entry_points.txt"] = f"[console_scripts]\n{scripts}\n".encode()
    rows = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in contents.items():
            entry = zipfile.ZipInfo(path, MEMBER_TIME)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return f"{name}-{tag}.whl", stream.getvalue()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


@dataclass(frozen=True)
class Environment:
    """One of a bundle's, as a manifest has it; `wheels` are file names with bytes."""

    name: str
    python: str
    abi: str
    wheels: Sequence[tuple[str, bytes]]
    smoke: Sequence[str] = ()
    aliases: Sequence[str] = ()
    platform: str = "linux-x86_64-glibc2.17"
    interpreter: Mapping[str, str] = field(default_factory=lambda: {"kind": "system"})


def write_bundle(
    path: Path,
    environments: Sequence[Environment],
    *,
    prefix: Path,
    bin: Path,  # noqa: A002  # as site.toml calls it
    left_out: Sequence[str] = (),
    change: Mapping[str, Any] | None = None,
    key: Path | None = None,
    more: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a bundle.

    Args:
        path: Where.
        environments: What it installs.
        prefix: Its default prefix.
        bin: Its default directory of names.
        left_out: Projects whose wheels it does not carry.
        change: Fields of the manifest to replace.
        key: Sign it with this.
        more: Further members.
    """
    header = format_header(str(prefix), [])
    members: dict[str, bytes] = dict(installer_members()) | dict(more or {})
    wheels: dict[str, Any] = {}
    for environment in environments:
        members[f"pylock.{environment.name}.toml"] = b"# none\n"
        for filename, data in environment.wheels:
            project, version = filename.split("-")[:2]
            is_included = project not in left_out
            sha256 = hashlib.sha256(data).hexdigest()
            wheels[sha256] = {
                "filename": filename,
                "size": len(data),
                "project": project,
                "version": version,
                "built": False,
                "included": is_included,
            }
            if is_included:
                members[f"wheels/{filename}"] = data
    value: dict[str, Any] = {
        "format": "pannier-site",
        "version": 1,
        "tool": "pannier test",
        "name": "lab",
        "site": {"prefix": str(prefix), "bin": str(bin)},
        "environments": [_entry(environment) for environment in environments],
        "wheels": wheels,
        "files": [
            {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()
        ],
        "header_sha256": hashlib.sha256(header).hexdigest(),
        "rehearsed": None,
        "since": None,
        **(change or {}),
    }
    value["id"] = compute_id(value)
    members["site.json"] = format_canonical(value)
    if key is not None:
        members["site.json.sig"] = sign(key, members["site.json"], path.parent)
    _write(path, header, members)
    return path


def _write(path: Path, header: bytes, members: Mapping[str, bytes]) -> None:
    listed = []
    with path.open("wb") as stream:
        stream.write(header)
        for name, data in members.items():
            member = Member(name, len(data), zlib.crc32(data))
            listed.append(member)
            stream.write(format_local_header(member) + data)
        stream.write(format_end(len(header), listed))


def sign(key: Path, data: bytes, directory: Path) -> bytes:
    """An armoured signature over bytes."""
    message = directory / "message"
    message.write_bytes(data)
    subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", "pannier-site", str(message)],
        check=True,
        capture_output=True,
    )
    return (directory / "message.sig").read_bytes()


def _entry(environment: Environment) -> dict[str, Any]:
    return {
        "name": environment.name,
        "python": environment.python,
        "abi": environment.abi,
        "platform": environment.platform,
        "aliases": list(environment.aliases),
        "smoke": list(environment.smoke),
        "interpreter": dict(environment.interpreter),
        "lock": f"pylock.{environment.name}.toml",
        "wheels": [hashlib.sha256(data).hexdigest() for _, data in environment.wheels],
    }

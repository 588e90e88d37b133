"""Publish what was received: check it, and make it a distribution of the index, once and for all."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from pannier.formats.distribution_names import parse_distribution_filename
from pannier.model.errors import RequestError
from pannier.server.catalogue.catalogue import Catalogue
from pannier.server.catalogue.examination import Examination
from pannier.server.catalogue.records import FileRecord
from pannier.server.uploads.attestations import make_provenance
from pannier.server.uploads.forms import Form, Received
from pannier.server.uploads.inspection import (
    Inspected,
    inspect_distribution,
    is_same_version,
    parse_upload_name,
)

_DIGESTS = ("md5_digest", "sha256_digest", "blake2_256_digest")
_LONG_DIGEST = 128
_MAX_SIGNATURE = 64 * 1024


class ConflictError(RequestError):
    """The index has this file already, with other bytes."""

    default_code = "file-exists"


class Published(NamedTuple):
    """What became of an upload.

    Attributes:
        record: The distribution.
        outcome: `upload`, `replace`, or `same` when the index had the very same file.
    """

    record: FileRecord
    outcome: str


def publish(catalogue: Catalogue, form: Form, path: Path, *, overwrite: bool) -> Published:
    """Make what a form brought a distribution of the index.

    Args:
        catalogue: Of the index.
        form: With the distribution.
        path: Where it was written.
        overwrite: It may take the place of a file of its name.

    Raises:
        RequestError: The form lacks something, or says something else than the file.
        DistributionError: The file is not the distribution it is said to be.
        ConflictError: The index has the file with other bytes.
        OSError: It cannot be written.
    """
    received = form.content
    if received is None or not received.size:
        raise RequestError("the form has no distribution in its field `content`", code="bad-form")
    check_digests(form, received, path)
    parsed = parse_upload_name(received.filename)
    _refuse_closed(catalogue, parsed.project)
    existing = find_same(catalogue, received.filename)
    if existing is not None and existing.sha256 == received.sha256:
        return Published(existing, "same")
    # What is replaced has the very place that uploads go to.
    if existing is not None and not (overwrite and (existing.root, existing.path) == (0, received.filename)):
        raise _conflict(existing)
    found = inspect_distribution(path, received.filename, name=form.get("name"), version=form.get("version"))
    provenance = _provenance(form, received)
    signature = _signature(form)
    try:
        record = catalogue.add(path, received.filename, _examination(received, found), replace=overwrite)
    except FileExistsError:
        return _lost_race(catalogue, received)
    if provenance:
        record = catalogue.attest(record, provenance)
    if signature:
        record = catalogue.sign(record, signature)
    assert parsed.project == record.project
    return Published(record, "replace" if existing is not None else "upload")


def _refuse_closed(catalogue: Catalogue, project: str) -> None:
    record = catalogue.project(project)
    if record is not None and record.status in ("archived", "quarantined"):
        raise RequestError(
            f"`{project}` is {record.status}, so nothing can be uploaded to it",
            code="project-closed",
            facts={"reason": record.status_reason} if record.status_reason else {},
            hint=f"`pannier serve status {project} active` opens it",
        )


def check_digests(form: Form, received: Received, path: Path) -> None:
    """Check every digest that a client sent; all that differ are named.

    The `upload` of setuptools, and of later distutils, sends 64 bytes of BLAKE2b where 32 are meant.

    Raises:
        RequestError: One differs.
    """
    actual = dict(zip(_DIGESTS, (received.md5, received.sha256, received.blake2), strict=True))
    sent = {name: form.get(name).lower() for name in _DIGESTS}
    if len(sent["blake2_256_digest"]) == _LONG_DIGEST:
        with path.open("rb") as stream:
            actual["blake2_256_digest"] = hashlib.file_digest(stream, "blake2b").hexdigest()
    wrong = [name for name in _DIGESTS if sent[name] and sent[name] != actual[name]]
    if wrong:
        facts = {name: f"sent {sent[name][:128]}, received {actual[name]}" for name in wrong}
        raise RequestError(
            "the distribution was damaged on its way, or the digest sent is another file's",
            code="digest-mismatch",
            facts=facts,
            hint="upload it again",
        )


def find_same(catalogue: Catalogue, filename: str) -> FileRecord | None:
    """The file of this name, or one whose name says the same in another spelling (1.0 and 1.0.0)."""
    exact = catalogue.file_named(filename)
    if exact is not None:
        return exact
    parsed = parse_upload_name(filename)
    tail = filename[len(parsed.name) + 1 + len(parsed.version) :]
    project = catalogue.project(parsed.project)
    for record in project.files if project else ():
        other = parse_distribution_filename(record.filename)
        if other is None or not is_same_version(other.version, parsed.version):
            continue
        if record.filename[len(other.name) + 1 + len(other.version) :].lower() == tail.lower():
            return record
    return None


def _examination(received: Received, found: Inspected) -> Examination:
    return Examination(received.sha256, received.md5, received.blake2, found.metadata, found.fields)


def _provenance(form: Form, received: Received) -> bytes:
    text = form.get("attestations")
    return make_provenance(text, filename=received.filename, sha256=received.sha256) if text else b""


def _signature(form: Form) -> bytes:
    signature = (form.fields.get("gpg_signature") or [b""])[0]
    if len(signature) > _MAX_SIGNATURE:
        raise RequestError(f"the signature has more than {_MAX_SIGNATURE} bytes", code="bad-form")
    return signature


def _lost_race(catalogue: Catalogue, received: Received) -> Published:
    """Somebody else published a file of this name just now, or a name is taken that is no whole file."""
    existing = catalogue.file_named(received.filename)
    if existing is None:
        raise ConflictError(
            f"File already exists: there is a `{received.filename}` that is not whole",
            hint="remove it on the server",
        )
    if existing.sha256 != received.sha256:
        raise _conflict(existing)
    return Published(existing, "same")


def _conflict(existing: FileRecord) -> ConflictError:
    # The words that twine and uv look for.
    return ConflictError(
        f"File already exists: `{existing.filename}`, with other bytes",
        facts={"sha256 here": existing.sha256},
        hint="give what changed a new version",
    )

"""A site's bundle, written from what it is to hold: the same plan gives the same bytes."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pannier import __version__
from pannier.formats.bundled_locks import (
    BundledWheel,
    format_bundled_lock,
    format_bundled_requirements,
    format_static_index,
)
from pannier.formats.cyclonedx import BilledEnvironment, format_bill
from pannier.formats.licences import LicensedWheel, format_licences_json, format_licences_text
from pannier.formats.site_manifests import (
    Environment,
    File,
    Interpreter,
    Manifest,
    Rehearsal,
    Wheel,
    complete_manifest,
    format_site_manifest,
)
from pannier.model.events import Reporter, SilentReporter, Stage
from pannier.model.site import LockedWheel
from pannier.runtime.site.bookkeeping import Member, format_local_header
from pannier.runtime.site.manifest import NAME, SIGNATURE_NAME
from pannier.site.archive_writing import ArchiveWriter
from pannier.site.bundle_plan import (
    BundlePlan,
    PlannedEnvironment,
    PlannedInterpreter,
    WheelFacts,
    abi_of,
    place_wheels,
)
from pannier.site.installer import format_header, installer_members
from pannier.store.writing import whole_file

Sign = Callable[[bytes], bytes]
Rehearse = Callable[[Path, Manifest], Rehearsal]


class WrittenBundle(NamedTuple):
    """A bundle that was written.

    Attributes:
        manifest: What is in it.
        size: Of the file, in bytes.
        signed: It bears a signature.
    """

    manifest: Manifest
    size: int
    signed: bool


class _Contents(NamedTuple):
    """Everything in the archive but the manifest, in order: bytes, or a file with its digest and size."""

    interpreters: Sequence[PlannedInterpreter]
    texts: dict[str, bytes]
    wheels: Sequence[tuple[str, LockedWheel]]

    def total(self) -> int:
        return (
            sum(one.size for one in self.interpreters)
            + sum(len(data) for data in self.texts.values())
            + sum(wheel.size for _, wheel in self.wheels)
        )


def write_bundle(
    plan: BundlePlan,
    output: Path,
    reporter: Reporter | None = None,
    *,
    sign: Sign | None = None,
    rehearse: Rehearse | None = None,
) -> WrittenBundle:
    """Write a bundle, whole or not at all.

    Args:
        plan: What it is to hold.
        output: The file to write.
        reporter: Hears of progress.
        sign: Signs the manifest's bytes.
        rehearse: Installs the finished file before it takes its name.

    Raises:
        HashMismatchError: A file of the cache is not what the lock says.
        DistributionError: A wheel's metadata cannot be read.
        StorageError: The bundle cannot be written.
        PannierError: What `sign` and `rehearse` raise.
    """
    reporter = reporter or SilentReporter()
    contents = _contents(plan)
    header = _header(plan, contents.interpreters)
    with whole_file(output, mode=0o777) as stream:
        writer = ArchiveWriter(stream, header)
        files = _write_contents(writer, contents, reporter)
        mark = writer.mark()
        manifest = complete_manifest(_manifest(plan, files, header))
        _close(writer, manifest, None if rehearse else sign)
        if rehearse is not None:
            rehearsal = rehearse(Path(f"/proc/self/fd/{stream.fileno()}").readlink(), manifest)
            writer.back_to(mark)
            manifest = complete_manifest(manifest, rehearsal)
            _close(writer, manifest, sign)
        size = stream.tell()
    return WrittenBundle(manifest=manifest, size=size, signed=sign is not None)


def bundle_size(plan: BundlePlan) -> int:
    """How large a bundle will be, in bytes, but for its manifest and bookkeeping."""
    return _contents(plan).total()


def _close(writer: ArchiveWriter, manifest: Manifest, sign: Sign | None) -> None:
    data = format_site_manifest(manifest)
    writer.add_bytes(NAME, data)
    if sign is not None:
        writer.add_bytes(SIGNATURE_NAME, sign(data))
    writer.finish()


def _contents(plan: BundlePlan) -> _Contents:
    from pannier.site.wheel_facts import read_facts

    wheels = plan.wheels()
    facts = {wheel.sha256: read_facts(wheel) for wheel in wheels}
    placed = place_wheels(wheels, facts)
    members = [(placed[wheel.sha256].path, wheel) for wheel in wheels if wheel.sha256 not in plan.left_wheels]
    return _Contents(
        interpreters=[one for one in plan.interpreters() if one.sha256 not in plan.left_interpreters],
        texts=_texts(plan, wheels, facts, placed),
        wheels=sorted(members, key=lambda member: member[0]),
    )


def _texts(
    plan: BundlePlan,
    wheels: Sequence[LockedWheel],
    facts: dict[str, WheelFacts],
    placed: dict[str, BundledWheel],
) -> dict[str, bytes]:
    licensed = [
        LicensedWheel(wheel.project, wheel.version, wheel.filename, wheel.sha256, facts[wheel.sha256].licence)
        for wheel in wheels
    ]
    billed = [
        BilledEnvironment(one.name, one.target.python_version, [wheel.sha256 for wheel in one.wheels])
        for one in plan.environments
    ]
    texts = installer_members()
    texts["sbom.cdx.json"] = format_bill(plan.name, __version__, billed, licensed)
    texts["licenses.json"] = format_licences_json(licensed)
    texts["licenses.txt"] = format_licences_text(licensed)
    texts |= format_static_index(placed[wheel.sha256] for wheel in wheels)
    for one in plan.environments:
        own = [placed[wheel.sha256] for wheel in one.wheels]
        texts[_lock_name(one)] = format_bundled_lock(one.target, own)
        texts[f"requirements.{one.name}.txt"] = format_bundled_requirements(one.target, own)
    return dict(sorted(texts.items()))


def _lock_name(environment: PlannedEnvironment) -> str:
    return f"pylock.{environment.name}.toml"


def _header(plan: BundlePlan, interpreters: Sequence[PlannedInterpreter]) -> bytes:
    header = format_header(plan.prefix, [(one, 0) for one in interpreters])
    offset = len(header)
    placed = []
    for one in interpreters:
        offset += len(format_local_header(Member(one.member, one.size, 0)))
        placed.append((one, offset))
        offset += one.size
    return format_header(plan.prefix, placed)


def _write_contents(writer: ArchiveWriter, contents: _Contents, reporter: Reporter) -> tuple[File, ...]:
    stage = Stage(name="writing", total=contents.total(), unit="bytes")
    reporter.begin(stage)
    files = []
    try:
        for one in contents.interpreters:
            files.append(writer.add_file(one.member, one.source, one.sha256))
            reporter.advance(stage, one.size, one.executable)
        files += [writer.add_bytes(name, data) for name, data in contents.texts.items()]
        for name, wheel in contents.wheels:
            files.append(writer.add_file(name, wheel.path, wheel.sha256))
            reporter.advance(stage, wheel.size, wheel.filename)
    finally:
        reporter.end(stage)
    return tuple(files)


def _manifest(plan: BundlePlan, files: tuple[File, ...], header: bytes) -> Manifest:
    places = {file.sha256: file.name for file in files}
    return Manifest(
        id="",
        tool=f"pannier {__version__}",
        name=plan.name,
        prefix=plan.prefix,
        bin=plan.bin,
        environments=tuple(_environment(one) for one in plan.environments),
        wheels={wheel.sha256: _wheel(wheel, plan, places) for wheel in plan.wheels()},
        files=files,
        header_sha256=hashlib.sha256(header).hexdigest(),
        since=plan.since,
        value={},
    )


def _environment(one: PlannedEnvironment) -> Environment:
    return Environment(
        name=one.name,
        python=one.target.python_version,
        abi=abi_of(one),
        platform=str(one.target.platform),
        aliases=one.aliases,
        smoke=one.smoke,
        interpreter=_interpreter(one.interpreter),
        lock=_lock_name(one),
        wheels=tuple(wheel.sha256 for wheel in one.wheels),
    )


def _interpreter(interpreter: PlannedInterpreter | str | None) -> Interpreter:
    if interpreter is None:
        return Interpreter("system")
    if isinstance(interpreter, str):
        return Interpreter("path", path=interpreter)
    return Interpreter("bundled", file=interpreter.member, executable=interpreter.executable)


def _wheel(wheel: LockedWheel, plan: BundlePlan, places: dict[str, str]) -> Wheel:
    return Wheel(
        sha256=wheel.sha256,
        filename=wheel.filename,
        size=wheel.size,
        project=wheel.project,
        version=wheel.version,
        built=wheel.built,
        included=wheel.sha256 not in plan.left_wheels,
        member=places.get(wheel.sha256, f"wheels/{wheel.filename}"),
    )

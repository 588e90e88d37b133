"""Packs for tests, written from the description of the format by tarfile, gzip and zstandard."""

import gzip
import hashlib
import io
import json
import platform
import sys
import tarfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import zstandard

RUNTIME = Path(__file__).parents[3] / "src" / "pannier" / "runtime"
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
MEMBER_TIME = 315_619_200


@dataclass(frozen=True)
class File:
    """A member; `kind` is a tar type, so that hostile ones can be made as well."""

    name: str
    data: bytes = b""
    mode: int = 0o644
    target: str = ""
    kind: bytes = tarfile.REGTYPE


def link(name: str, target: str) -> File:
    return File(name, target=target, kind=tarfile.SYMTYPE, mode=0o777)


@dataclass(frozen=True)
class LayerPlan:
    kind: str
    name: str
    members: Sequence[File]
    bytecode: bool = True


@dataclass(frozen=True)
class PackPlan:
    """What to put in a pack; a test changes what it is about."""

    layers: Sequence[LayerPlan]
    codec: str = "gzip"
    origin: str = "inside"
    python: str = PYTHON + ".0"
    executable: str = f"bin/python{PYTHON}"
    program: str = "hello"
    system: str = f"linux {platform.machine()} glibc 2.2"
    format_number: int = 1
    change_head: Callable[[list[str]], list[str]] = field(default=lambda lines: lines)
    change_manifest: Callable[[dict[str, Any]], None] = field(default=lambda manifest: None)


def segment(members: Sequence[File]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.size = len(member.data)
            info.mode, info.mtime, info.type = member.mode, MEMBER_TIME, member.kind
            info.linkname = member.target
            archive.addfile(info, io.BytesIO(member.data))
        end = archive.offset
    return stream.getvalue()[:end]


def stored(data: bytes, codec: str) -> bytes:
    """A frame in which the data stand readable."""
    if codec == "gzip":
        block = b"\x01" + len(data).to_bytes(2, "little") + (len(data) ^ 0xFFFF).to_bytes(2, "little") + data
        end = zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")
        return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + block + end
    block_header = (1 | len(data) << 3).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd\xe0" + len(data).to_bytes(8, "little") + block_header + data


def compressed(data: bytes, codec: str) -> bytes:
    if codec == "gzip":
        return gzip.compress(data, 1, mtime=0)
    return zstandard.ZstdCompressor(level=1, write_checksum=True).compress(data)


def runtime_layer() -> LayerPlan:
    members = [
        File(f".pannier/runtime/{path.name}", path.read_bytes()) for path in sorted(RUNTIME.glob("*.py"))
    ]
    launcher = File("bin/run_in_env", (RUNTIME / "launcher.sh").read_bytes(), 0o755)
    return LayerPlan("runtime", "runtime", [*members, launcher])


def fake_interpreter_layer(executable: str = sys.executable, minor: str = PYTHON) -> LayerPlan:
    """An interpreter that only passes on to one outside: enough for everything but being carried away."""
    script = f"#!/bin/sh\nexec '{executable}' \"$@\"\n".encode()
    members = [
        File(f"bin/python{minor}", script, 0o755),
        link("bin/python3", f"python{minor}"),
        link("bin/python", "python3"),
    ]
    return LayerPlan("interpreter", "interpreter", members)


HELLO = b'#!/bin/sh\necho hello from "$PONCHO_PREFIX"\n'


def program_layer(*more: File) -> LayerPlan:
    return LayerPlan("program", "program", [File("bin/hello", HELLO, 0o755), *more])


def plain_plan(*more: LayerPlan, codec: str = "gzip") -> PackPlan:
    """A pack of a fake interpreter, some distributions and a program."""
    first = (runtime_layer(), fake_interpreter_layer())
    return PackPlan((*first, *(more or (sample_layer(),)), program_layer()), codec=codec)


def sample_layer(name: str = "sample", files: int = 20, size: int = 3000) -> LayerPlan:
    top = f"lib/python{PYTHON}/site-packages/{name}"
    members = [
        File(f"{top}/part{number % 3}/f{number}.dat", b"%d" % number * size) for number in range(files)
    ]
    deep = "/".join(["a-directory-with-a-long-name"] * 6)
    return LayerPlan(
        "distribution",
        name,
        [
            *members,
            File(f"{top}/{deep}/säule ☃.txt", b"long"),
            File(f"{top}/empty/", kind=tarfile.DIRTYPE, mode=0o755),
            File(f"{top}/nothing.py"),
            link(f"{top}/link", "part0/f0.dat"),
            link(f"{top}/up", "../" * 4 + "bin/hello"),
        ],
    )


def build_pack(path: Path, plan: PackPlan) -> Path:
    """Write a pack, and return where."""
    path.write_bytes(b"".join(frames(plan)))
    return path


def frames(plan: PackPlan) -> list[bytes]:
    """Head, manifest, layers, end."""
    contents = [segment(layer.members) for layer in plan.layers]
    layer_frames = [compressed(content, plan.codec) for content in contents]
    manifest = _manifest(plan, contents, layer_frames)
    plan.change_manifest(manifest)
    text = json.dumps(manifest, sort_keys=True).encode()
    manifest_frame = stored(segment([File(".pannier/manifest.json", text)]), plan.codec)
    count = sum(layer.kind in ("runtime", "interpreter") for layer in plan.layers)
    bootstrap = b"".join(layer_frames[:count])
    # The head holds its own frame's length, so it is made until the number of digits settles.
    head_frame = b""
    for _ in range(4):
        lines = _head(plan, text, len(head_frame), len(manifest_frame), bootstrap)
        head_text = "\n".join(["", *plan.change_head(lines), ""]).encode()
        head_frame = stored(segment([File(".pannier/head", head_text)]), plan.codec)
    return [head_frame, manifest_frame, *layer_frames, stored(bytes(1024), plan.codec)]


def _manifest(plan: PackPlan, contents: Sequence[bytes], layer_frames: Sequence[bytes]) -> dict[str, Any]:
    return {
        "format_version": plan.format_number,
        "name": "test",
        "layers": [
            {
                "kind": layer.kind,
                "name": layer.name,
                "sha256": hashlib.sha256(frame).hexdigest(),
                "size": len(frame),
                "content_sha256": hashlib.sha256(content).hexdigest(),
                "content_size": len(content),
                "files": len(layer.members),
                "bytecode": layer.bytecode,
            }
            for layer, content, frame in zip(plan.layers, contents, layer_frames, strict=True)
        ],
    }


def _head(plan: PackPlan, manifest: bytes, offset: int, size: int, bootstrap: bytes) -> list[str]:
    files = sum(len(layer.members) for layer in plan.layers)
    unpacked = sum(len(member.data) for layer in plan.layers for member in layer.members)
    lines = [
        f"pannier-pack {plan.format_number} {hashlib.sha256(manifest).hexdigest()}",
        "name test pack",
        f"system {plan.system}",
        f"python cpython {plan.python} {plan.origin} {plan.executable}",
        f"program {plan.program}",
        f"manifest {offset} {size}",
        f"bootstrap {offset + size} {len(bootstrap)} {hashlib.sha256(bootstrap).hexdigest()}",
        f"unpacked {unpacked} {files}",
        "end",
    ]
    return [line for line in lines if line != "program "]


def host_plan(*more: LayerPlan, codec: str = "gzip") -> PackPlan:
    """A pack that uses the Python of the machine."""
    plan = plain_plan(*more, codec=codec)
    layers = [layer for layer in plan.layers if layer.kind != "interpreter"]
    return replace(plan, layers=layers, origin="host")

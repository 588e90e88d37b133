"""A bundle's manifest: written, read back the same, and nothing else taken for one."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pannier.formats.site_manifests import (
    Environment,
    File,
    Interpreter,
    Manifest,
    Rehearsal,
    Wheel,
    complete_manifest,
    format_site_manifest,
    parse_site_manifest,
    rehearsal_of,
)
from pannier.model.errors import CorruptPackError

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/reference/site-manifest.schema.json").read_text())
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
words = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
lines = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cc", "Cs"]), max_size=20
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    names = draw(st.lists(words, unique=True, min_size=1, max_size=4))
    wheels = {}
    files = [File(f"pylock.{name}.toml", draw(st.integers(0, 1 << 40)), draw(digests)) for name in names]
    projects = draw(st.lists(words, unique=True, max_size=3))
    ours = draw(st.lists(digests, unique=True, min_size=len(projects), max_size=len(projects)))
    for project, digest in zip(projects, ours, strict=True):
        size = draw(st.integers(0, 1 << 40))
        filename = f"{project}-1.0-py3-none-any.whl"
        included = draw(st.booleans())
        member = f"wheels/{filename}"
        wheels[digest] = Wheel(digest, filename, size, project, "1.0", draw(st.booleans()), included, member)
        if included:
            files.append(File(member, size, digest))
    interpreters = st.one_of(
        st.just(Interpreter("system")),
        words.map(lambda word: Interpreter("path", path=f"/opt/{word}")),
        digests.map(
            lambda sha256: Interpreter(
                "bundled", file=f"interpreters/{sha256}.tar.gz", executable="bin/python3.6"
            )
        ),
    )
    environments = tuple(
        Environment(
            name=name,
            python="3.6.15",
            abi="cp36m",
            platform="linux-x86_64-glibc2.17",
            aliases=(f"also-{name}",),
            smoke=tuple(draw(st.lists(lines, max_size=2))),
            interpreter=draw(interpreters),
            lock=f"pylock.{name}.toml",
            wheels=tuple(wheels),
        )
        for name in names
    )
    return Manifest(
        id="", tool="pannier 0.1.0", name=draw(lines), prefix="/opt/lab", bin="/usr/bin",
        environments=environments, wheels=wheels, files=tuple(files), header_sha256=draw(digests),
        since=draw(st.just("") | digests), value={},
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    manifests(),
    st.none() | st.builds(Rehearsal, tool=st.just("pannier 1"), environments=st.lists(words).map(tuple)),
)
def test_a_manifest_comes_back_as_it_was(manifest: Manifest, rehearsal: Rehearsal | None) -> None:
    whole = complete_manifest(manifest, rehearsal)
    text = format_site_manifest(whole)
    assert parse_site_manifest(text) == whole
    assert rehearsal_of(whole) == rehearsal
    jsonschema.validate(json.loads(text), SCHEMA)


@settings(max_examples=40, deadline=None)
@given(manifests(), st.data())
def test_a_manifest_changed_anywhere_is_refused(manifest: Manifest, data: st.DataObject) -> None:
    text = bytearray(format_site_manifest(complete_manifest(manifest)))
    text[data.draw(st.integers(0, len(text) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptPackError):
        parse_site_manifest(bytes(text))


def test_a_later_version_is_refused_by_name() -> None:
    document = {"format": "pannier-site", "version": 7, "tool": "pannier 9"}
    with pytest.raises(CorruptPackError, match="format 7") as caught:
        parse_site_manifest(json.dumps(document).encode())
    assert caught.value.code == "unknown-format"


@given(st.binary(max_size=100))
def test_junk_is_no_manifest(data: bytes) -> None:
    with pytest.raises(CorruptPackError):
        parse_site_manifest(data)


@pytest.mark.parametrize("change", [{"id": 1}, {"version": "1"}, {"format": "zip"}, {"surprise": 1}])
def test_the_schema_refuses_what_is_not_a_manifest(change: dict[str, Any]) -> None:
    empty = complete_manifest(
        Manifest(
            id="", tool="t", name="n", prefix="/p", bin="/b", environments=(), wheels={}, files=(),
            header_sha256="0" * 64, since="", value={},
        )
    )  # fmt: skip
    jsonschema.validate(empty.value, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**empty.value, **change}, SCHEMA)

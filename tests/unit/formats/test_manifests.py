import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.formats.manifests import format_manifest, parse_manifest
from pannier.model.errors import CorruptPackError
from pannier.model.manifest import FORMAT_VERSION, Layer, Manifest, PackedInterpreter, Program
from pannier.model.target import Platform, Target

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
count = st.integers(min_value=0, max_value=2**60)
layers = st.builds(
    Layer,
    kind=st.sampled_from(["runtime", "interpreter", "distribution", "data", "program"]),
    name=text,
    version=text,
    source=text,
    source_sha256=text,
    sha256=text,
    size=count,
    content_sha256=text,
    content_size=count,
    files=count,
    bytecode=st.booleans(),
)
platforms = st.builds(Platform, system=text, architecture=text, libc_family=text, libc_version=text)
manifests = st.builds(
    Manifest,
    name=text,
    target=st.builds(Target, python_version=text, platform=platforms, implementation=text),
    interpreter=st.builds(
        PackedInterpreter,
        origin=st.sampled_from(["inside", "host"]),
        version=text,
        implementation=text,
        executable=text,
    ),
    program=st.none() | st.builds(Program, name=text, source=text),
    layers=st.lists(layers, max_size=4).map(tuple),
    environment=st.dictionaries(text, text, max_size=4).map(lambda pairs: tuple(sorted(pairs.items()))),
    lock_sha256=text,
    format_version=st.just(FORMAT_VERSION),
)
SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "manifest.schema.json"


@given(manifest=manifests)
def test_every_manifest_is_read_back_as_it_was(manifest: Manifest) -> None:
    assert parse_manifest(format_manifest(manifest)) == manifest


@given(manifest=manifests)
def test_every_key_written_is_one_the_schema_requires(manifest: Manifest) -> None:
    schema = json.loads(SCHEMA.read_text())
    document = json.loads(format_manifest(manifest))
    _check_keys(document, schema, schema)


def _check_keys(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> None:
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if schema.get("type") == "object" and "required" in schema:
        assert sorted(value) == sorted(schema["required"]) == sorted(schema["properties"])
        for key, subschema in schema["properties"].items():
            _check_keys(value[key], subschema, root)
    elif schema.get("type") == "array":
        for item in value:
            _check_keys(item, schema["items"], root)


@given(manifest=manifests)
def test_a_layer_takes_a_line(manifest: Manifest) -> None:
    data = format_manifest(manifest)
    assert list(json.loads(data)) == sorted(json.loads(data))
    assert data.count(b"\n") == 9 + (len(manifest.layers) + 1 if manifest.layers else 0) + 1


def test_another_format_version_is_refused_by_its_number() -> None:
    with pytest.raises(CorruptPackError, match="format version 7"):
        parse_manifest(b'{"format_version": 7}')


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"format_version": true}', b'{"format_version": 1}', b"\xff", b"[" * 9999]
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptPackError):
        parse_manifest(data)


@given(manifest=manifests, data=st.data())
def test_a_field_of_another_type_is_refused(manifest: Manifest, data: st.DataObject) -> None:
    document = json.loads(format_manifest(manifest))
    key = data.draw(st.sampled_from(sorted(document)))
    document[key] = 1.5
    with pytest.raises(CorruptPackError):
        parse_manifest(json.dumps(document).encode())

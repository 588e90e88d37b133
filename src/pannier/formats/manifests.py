"""The manifest of a pack, as JSON (RFC 8259); its schema is `docs/reference/manifest.schema.json`."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from pannier.model.errors import CorruptPackError
from pannier.model.manifest import FORMAT_VERSION, Layer, LayerKind, Manifest, PackedInterpreter, Program
from pannier.model.target import Platform, Target

MANIFEST_NAME = ".pannier/manifest.json"
_KINDS = ("runtime", "interpreter", "distribution", "data", "program")

# JSON's own value; what comes out of `json.loads` is checked field by field below.
_Object = Mapping[str, Any]


def format_manifest(manifest: Manifest) -> bytes:
    """Write a manifest as JSON: keys sorted, one line per layer, so that people can compare two."""
    fields = {
        "environment": dict(manifest.environment),
        "format_version": manifest.format_version,
        "interpreter": _interpreter_object(manifest.interpreter),
        "layers": [layer_object(layer) for layer in manifest.layers],
        "lock_sha256": manifest.lock_sha256,
        "name": manifest.name,
        "program": _program_object(manifest.program),
        "target": _target_object(manifest.target),
    }
    lines = []
    for key, value in fields.items():
        if key == "layers" and manifest.layers:
            layers = ",\n".join(f"  {_dump(layer)}" for layer in cast("list[object]", value))
            lines.append(f'"layers": [\n{layers}\n]')
        else:
            lines.append(f'"{key}": {_dump(value)}')
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest from its JSON bytes.

    Raises:
        CorruptPackError: It is not a manifest, or of a format version that this Pannier does not know.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _invalid("it is not JSON") from error
    if not isinstance(document, dict):
        raise _invalid("it is not a JSON object")
    _check_version(document)
    return Manifest(
        name=_text(document, "name"),
        target=_target(_object(document, "target")),
        interpreter=_interpreter(_object(document, "interpreter")),
        program=None if document.get("program") is None else _program(_object(document, "program")),
        layers=tuple(parse_layer(layer) for layer in _array(document, "layers")),
        environment=_environment(_object(document, "environment")),
        lock_sha256=_text(document, "lock_sha256"),
        format_version=FORMAT_VERSION,
    )


def layer_object(layer: Layer) -> dict[str, object]:
    """Return the JSON form of one layer."""
    return {
        "bytecode": layer.bytecode,
        "content_sha256": layer.content_sha256,
        "content_size": layer.content_size,
        "files": layer.files,
        "kind": layer.kind,
        "name": layer.name,
        "sha256": layer.sha256,
        "size": layer.size,
        "source": layer.source,
        "source_sha256": layer.source_sha256,
        "version": layer.version,
    }


def parse_layer(value: object) -> Layer:
    """Read one layer from its JSON form.

    Raises:
        CorruptPackError: A field is missing or of another type.
    """
    if not isinstance(value, dict):
        raise _invalid("a layer is not an object")
    kind = _text(value, "kind")
    if kind not in _KINDS:
        raise _invalid(f"`{kind}` is not a kind of layer")
    return Layer(
        kind=cast("LayerKind", kind),
        name=_text(value, "name"),
        version=_text(value, "version"),
        source=_text(value, "source"),
        source_sha256=_text(value, "source_sha256"),
        sha256=_text(value, "sha256"),
        size=_count(value, "size"),
        content_sha256=_text(value, "content_sha256"),
        content_size=_count(value, "content_size"),
        files=_count(value, "files"),
        bytecode=_truth(value, "bytecode"),
    )


def _dump(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(", ", ": "))


def _interpreter_object(interpreter: PackedInterpreter) -> dict[str, object]:
    return {
        "executable": interpreter.executable,
        "implementation": interpreter.implementation,
        "origin": interpreter.origin,
        "version": interpreter.version,
    }


def _program_object(program: Program | None) -> dict[str, object] | None:
    return None if program is None else {"name": program.name, "source": program.source}


def _target_object(target: Target) -> dict[str, object]:
    platform = target.platform
    return {
        "implementation": target.implementation,
        "platform": {
            "architecture": platform.architecture,
            "libc_family": platform.libc_family,
            "libc_version": platform.libc_version,
            "system": platform.system,
        },
        "python_version": target.python_version,
    }


def _check_version(document: _Object) -> None:
    version = document.get("format_version")
    if version == FORMAT_VERSION and not isinstance(version, bool):
        return
    if not isinstance(version, int) or isinstance(version, bool):
        raise _invalid("`format_version` is missing or not a number")
    raise CorruptPackError(
        f"the pack is of format version {version}, which this Pannier does not know",
        code="unknown-format",
        facts={"known": str(FORMAT_VERSION)},
        hint="use a newer Pannier",
    )


def _target(fields: _Object) -> Target:
    platform = _object(fields, "platform")
    return Target(
        python_version=_text(fields, "python_version"),
        platform=Platform(
            system=_text(platform, "system"),
            architecture=_text(platform, "architecture"),
            libc_family=_text(platform, "libc_family"),
            libc_version=_text(platform, "libc_version"),
        ),
        implementation=_text(fields, "implementation"),
    )


def _interpreter(fields: _Object) -> PackedInterpreter:
    origin = _text(fields, "origin")
    if origin not in {"inside", "host"}:
        raise _invalid(f"`{origin}` is not an origin of an interpreter")
    return PackedInterpreter(
        origin=cast('Literal["inside", "host"]', origin),
        version=_text(fields, "version"),
        implementation=_text(fields, "implementation"),
        executable=_text(fields, "executable"),
    )


def _program(fields: _Object) -> Program:
    return Program(name=_text(fields, "name"), source=_text(fields, "source"))


def _environment(fields: _Object) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((variable, _text(fields, variable)) for variable in fields))


def _field(fields: _Object, key: str, is_right: Callable[[object], bool], wanted: str) -> Any:
    value = fields.get(key)
    if not is_right(value):
        raise _invalid(f"`{key}` is missing or not {wanted}")
    return value


def _text(fields: _Object, key: str) -> str:
    return cast("str", _field(fields, key, lambda value: isinstance(value, str), "a string"))


def _truth(fields: _Object, key: str) -> bool:
    return cast("bool", _field(fields, key, lambda value: isinstance(value, bool), "true or false"))


def _count(fields: _Object, key: str) -> int:
    return cast("int", _field(fields, key, _is_count, "a number of zero or more"))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _object(fields: _Object, key: str) -> _Object:
    return cast("_Object", _field(fields, key, lambda value: isinstance(value, dict), "an object"))


def _array(fields: _Object, key: str) -> list[object]:
    return cast("list[object]", _field(fields, key, lambda value: isinstance(value, list), "an array"))


def _invalid(because: str) -> CorruptPackError:
    return CorruptPackError(
        "the manifest of the pack cannot be read", code="manifest", facts={"because": because}
    )

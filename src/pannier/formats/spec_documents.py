"""JSON or YAML text to a table; keys that stand twice are refused instead of one being lost."""

import json
from typing import Any

from pannier.model.errors import SpecError


class _DoubledKeyError(ValueError):
    """A key stands twice in one table."""


def load_document(text: str, filename: str) -> dict[str, Any]:
    """Read the one table a spec consists of.

    Raises:
        SpecError: It is neither JSON nor YAML, no table, or a key stands twice; with line and column.
    """
    is_json = text.lstrip().startswith("{") or filename.endswith(".json")
    document = _load_json(text, filename) if is_json else _load_yaml(text, filename)
    if not isinstance(document, dict):
        found = {list: "a list", str: "a line of text", type(None): "empty"}.get(
            type(document), "something else"
        )
        raise SpecError(
            f"`{filename}` is not a spec: a table is needed, and it is {found}",
            facts={"expected": '{"channels": [...], "dependencies": ["python=3.11", {"pip": [...]}]}'},
        )
    return {str(key): value for key, value in document.items()}


def _load_json(text: str, filename: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_refuse_doubled)
    except json.JSONDecodeError as error:
        if filename.endswith((".yml", ".yaml")):  # `{name: x}` is YAML and no JSON
            return _load_yaml(text, filename)
        at = f"line {error.lineno}, column {error.colno}"
        facts = {"at": at, "reason": error.msg}
        raise SpecError(f"`{filename}` is not valid JSON", code="spec-syntax", facts=facts) from error
    except (_DoubledKeyError, RecursionError) as error:
        facts = {"reason": str(error)}
        raise SpecError(f"`{filename}` is not a valid spec", code="spec-syntax", facts=facts) from error


def _refuse_doubled(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = sorted({name for name in names if names.count(name) > 1})
        raise _DoubledKeyError(f"{', '.join(f'`{name}`' for name in doubled)} stands twice in one table")
    return table


def _load_yaml(text: str, filename: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML's safe types, without losing keys."""

    def construct_mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
        loader.flatten_mapping(node)
        pairs = [(str(key.value), loader.construct_object(value, deep=True)) for key, value in node.value]
        return _refuse_doubled(pairs)

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, construct_mapping)
    try:
        return yaml.load(text, Loader=Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "an unknown place"
        facts = {"at": at, "reason": error.problem or "not understood"}
        raise SpecError(f"`{filename}` is not valid YAML", code="spec-syntax", facts=facts) from error
    except (yaml.YAMLError, _DoubledKeyError, ValueError, RecursionError) as error:
        facts = {"reason": " ".join(str(error).split())}
        raise SpecError(f"`{filename}` is not valid YAML", code="spec-syntax", facts=facts) from error

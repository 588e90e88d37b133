"""What is known of layers once they have been together: who leaves which files out, and their bootstrap.

It is kept by the layers' keys, so that packing the same set again reads one small file instead of all names.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pannier.model.events import Notice
from pannier.pack.building import LayerBuilder
from pannier.pack.clashes import find_clashes
from pannier.pack.layers import KeptLayer
from pannier.pack.recipes import Recipe
from pannier.store.writing import write_whole

COMPOSITION_VERSION = 1
_BOOTSTRAP_KINDS = {"runtime", "interpreter"}
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Composition:
    """Layers that fit together.

    Attributes:
        recipes: Of the layers, each file in one of them only.
        notices: What the user should know of files that several wanted.
        bootstrap_sha256: Hex digest of the frames that the launcher unpacks by itself, end to end.
    """

    recipes: tuple[Recipe, ...]
    notices: tuple[Notice, ...]
    bootstrap_sha256: str


def compose(recipes: Sequence[Recipe], builder: LayerBuilder, directory: Path) -> Composition:
    """Make layers fit together, making those that are missing.

    Args:
        recipes: In the order of the pack.
        builder: Makes layers.
        directory: Where layers are kept.

    Raises:
        PackError: They cannot be in one pack.
    """
    keys = [recipe.key(builder.codec) for recipe in recipes]
    digest = hashlib.sha256(json.dumps([COMPOSITION_VERSION, *keys]).encode()).hexdigest()
    path = directory / "sets" / f"{digest}.json"
    found = _read(path, recipes)
    if found is not None:
        return found
    builder.layers(recipes)
    traces = [builder.store.traces(recipe) for recipe in recipes]
    clashes = find_clashes([recipe.name for recipe in recipes], traces)
    excluded = {str(number): sorted(names) for number, names in sorted(clashes.excluded.items())}
    fitting = _without(recipes, excluded)
    composition = Composition(fitting, tuple(clashes.notices), _bootstrap_sha256(builder.layers(fitting)))
    write_whole(path, _format(composition, excluded))
    return composition


def _without(recipes: Sequence[Recipe], excluded: Mapping[str, Sequence[str]]) -> tuple[Recipe, ...]:
    return tuple(
        replace(recipe, excluded=frozenset(excluded[str(number)])) if str(number) in excluded else recipe
        for number, recipe in enumerate(recipes)
    )


def _bootstrap_sha256(layers: Sequence[KeptLayer]) -> str:
    digest = hashlib.sha256()
    for one in layers:
        if one.layer.kind in _BOOTSTRAP_KINDS:
            with one.path.open("rb", buffering=0) as stream:
                while piece := stream.read(_PIECE):
                    digest.update(piece)
    return digest.hexdigest()


def _format(composition: Composition, excluded: Mapping[str, Sequence[str]]) -> bytes:
    notices = [
        {"message": one.message, "code": one.code, "facts": dict(one.facts), "hint": one.hint}
        for one in composition.notices
    ]
    document = {"excluded": excluded, "notices": notices, "bootstrap_sha256": composition.bootstrap_sha256}
    return json.dumps(document).encode()


def _read(path: Path, recipes: Sequence[Recipe]) -> Composition | None:
    try:
        document = json.loads(path.read_bytes())
        notices = tuple(Notice(**one) for one in document["notices"])
        return Composition(
            _without(recipes, document["excluded"]), notices, str(document["bootstrap_sha256"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None

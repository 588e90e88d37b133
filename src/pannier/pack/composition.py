"""What is known of layers once they have been together: who leaves which files out, and their bootstrap.

It is kept by the layers' keys, so that packing the same set again reads one small file instead of all names.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
        layers: The layers themselves.
        notices: What the user should know of files that several wanted.
        bootstrap_sha256: Hex digest of the frames that the launcher unpacks by itself, end to end.
    """

    recipes: tuple[Recipe, ...]
    layers: tuple[KeptLayer, ...]
    notices: tuple[Notice, ...]
    bootstrap_sha256: str


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of a composition: what each layer leaves out, and the digest of which frames."""

    excluded: dict[str, list[str]]
    notices: list[Notice]
    bootstrap_frames: list[str]
    bootstrap_sha256: str


def compose(recipes: Sequence[Recipe], builder: LayerBuilder, directory: Path) -> Composition:
    """Make layers fit together, making those that are missing.

    Args:
        recipes: In the order of the pack.
        builder: Makes layers.
        directory: Where layers are kept.

    Raises:
        PackError: They cannot be in one pack.
        InterpreterError: Modules cannot be compiled.
        StorageError: The cache cannot be written.
    """
    keys = [recipe.key(builder.codec) for recipe in recipes]
    digest = hashlib.sha256(json.dumps([COMPOSITION_VERSION, *keys]).encode()).hexdigest()
    path = directory / "sets" / f"{digest}.json"
    kept = _read(path)
    if kept is None:
        builder.layers(recipes)
        traces = [builder.store.traces(recipe) for recipe in recipes]
        clashes = find_clashes([recipe.name for recipe in recipes], traces)
        excluded = {str(number): sorted(names) for number, names in sorted(clashes.excluded.items())}
        kept = _Kept(excluded, clashes.notices, [], "")
    fitting = _without(recipes, kept.excluded)
    layers = tuple(builder.layers(fitting))
    bootstrap = [one for one in layers if one.layer.kind in _BOOTSTRAP_KINDS]
    frames = [one.layer.sha256 for one in bootstrap]
    # A layer that was made again by another version of a compressor has the same key and may have other
    # bytes.
    if frames != kept.bootstrap_frames:
        kept = replace(kept, bootstrap_frames=frames, bootstrap_sha256=_sha256_of(bootstrap))
        write_whole(path, json.dumps(asdict(kept)).encode())
    return Composition(fitting, layers, tuple(kept.notices), kept.bootstrap_sha256)


def _without(recipes: Sequence[Recipe], excluded: Mapping[str, Sequence[str]]) -> tuple[Recipe, ...]:
    return tuple(
        replace(recipe, excluded=frozenset(excluded[str(number)])) if str(number) in excluded else recipe
        for number, recipe in enumerate(recipes)
    )


def _sha256_of(layers: Sequence[KeptLayer]) -> str:
    digest = hashlib.sha256()
    for one in layers:
        with one.path.open("rb", buffering=0) as stream:
            while piece := stream.read(_PIECE):
                digest.update(piece)
    return digest.hexdigest()


def _read(path: Path) -> _Kept | None:
    try:
        document = json.loads(path.read_bytes())
        notices = [Notice(**one) for one in document.pop("notices")]
        return _Kept(notices=notices, **document)
    except (OSError, ValueError, KeyError, TypeError):
        return None

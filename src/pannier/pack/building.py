"""Layers made on all cores, the biggest first."""

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from pannier.formats.frames import Codec
from pannier.model.events import Reporter, Stage
from pannier.pack.layers import KeptLayer, LayerStore
from pannier.pack.recipes import Recipe
from pannier.store.directories import CacheDirectories

Result = TypeVar("Result")
# Each thread holds some megabytes, and beyond a few the disk sets the pace.
_MOST_THREADS = 8


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


class LayerBuilder:
    """Gives layers, and makes those that are missing.

    Args:
        directories: The cache they are kept in.
        codec: Of all of them.
        reporter: Hears of progress.

    Attributes:
        store: Where they are kept.
        codec: Of all of them.
        made: Keys of the layers that were not there.
    """

    def __init__(self, directories: CacheDirectories, codec: Codec, reporter: Reporter) -> None:
        self.store = LayerStore(directories, codec, available_cores())
        self.codec = codec
        self.made: set[str] = set()
        self._reporter = reporter

    def layers(self, recipes: Sequence[Recipe]) -> list[KeptLayer]:
        """Return the layers of the recipes, in their order.

        Raises:
            PackError: Something cannot be packed.
            InterpreterError: Modules cannot be compiled.
            StorageError: The cache cannot be written.
        """
        kept = {number: self.store.find(recipe) for number, recipe in enumerate(recipes)}
        missing = [recipes[number] for number, layer in kept.items() if layer is None]
        missing.sort(key=lambda recipe: -recipe.weight)
        uncompiled = [one for one in missing if not self.store.is_compiled(one)]
        # Each starts as many compilers as there are cores; the second fills in where the first has but one
        # to start.
        self._run("compiling", uncompiled, self.store.compile, 2)
        made = self._run(
            "building layers", missing, self.store.make, min(max(2, available_cores()), _MOST_THREADS)
        )
        self.made.update(made)
        return [layer or made[recipes[number].key(self.codec)] for number, layer in kept.items()]

    def _run(
        self, name: str, recipes: Sequence[Recipe], work: Callable[[Recipe], Result], threads: int
    ) -> dict[str, Result]:
        if not recipes:
            return {}
        from concurrent.futures import ThreadPoolExecutor, as_completed

        stage = Stage(name=name, total=sum(recipe.weight for recipe in recipes), unit="bytes")
        results = {}
        self._reporter.begin(stage)
        try:
            with ThreadPoolExecutor(threads) as pool:
                waiting = {pool.submit(work, recipe): recipe for recipe in recipes}
                try:
                    for done in as_completed(waiting):
                        recipe = waiting[done]
                        results[recipe.key(self.codec)] = done.result()
                        self._reporter.advance(stage, recipe.weight, recipe.name)
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
        finally:
            self._reporter.end(stage)
        return results

"""A pack put together from finished layers, by copying them one after the other.

What costs time is done once: layers are kept by what they are made from, and for each set of layers it is
kept which of them clash and what their bootstrap range hashes to. So packing again reads a few small files,
and copies.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pannier.model.errors import PackError
from pannier.model.events import Reporter, SilentReporter
from pannier.model.manifest import Manifest
from pannier.pack.assembly import Assembly, write_assembly
from pannier.pack.building import LayerBuilder
from pannier.pack.composition import compose
from pannier.pack.forms import PackWriter
from pannier.pack.layers import KeptLayer
from pannier.pack.plan import PackPlan, least_platform, packed_interpreter, packed_program, recipes_of
from pannier.store.directories import CacheDirectories


class WrittenPack(NamedTuple):
    """A pack that was written.

    Attributes:
        assembly: What it was put together from.
        pack_id: sha256 of the manifest's JSON.
        size: Of the file, in bytes.
        reused_layers: How many of its layers lay ready.
        has_notices: There was something that the user should know.
    """

    assembly: Assembly
    pack_id: str
    size: int
    reused_layers: int
    has_notices: bool = False

    @property
    def manifest(self) -> Manifest:
        """What is in it."""
        return self.assembly.manifest


def write_pack(
    plan: PackPlan,
    output: Path,
    directories: CacheDirectories,
    reporter: Reporter | None = None,
    *,
    write: PackWriter = write_assembly,
    runtime: Path | None = None,
) -> WrittenPack:
    """Write a pack; the same plan gives the same bytes, whatever the machine, the day and the cache.

    Args:
        plan: What to pack.
        output: The file to write, whole or not at all.
        directories: The cache that layers are kept in.
        reporter: Hears of progress and of files that distributions fight over.
        write: Gives it its form.
        runtime: Directory of what travels; `pannier.runtime` itself unless a test has another.

    Raises:
        PackError: Something cannot be packed.
        InterpreterError: Modules cannot be compiled.
        StorageError: The pack or the cache cannot be written.
    """
    reporter = reporter or SilentReporter()
    builder = LayerBuilder(directories, plan.codec, reporter)
    composition = compose(recipes_of(plan, runtime or _runtime_directory()), builder, directories.layers)
    for notice in composition.notices:
        reporter.warn(notice)
    assembly = Assembly(
        manifest=_manifest(plan, composition.layers),
        frames=tuple(one.path for one in composition.layers),
        bootstrap_sha256=composition.bootstrap_sha256,
        codec=plan.codec,
    )
    pack_id, size = write(assembly, output, reporter, lambda: None)
    reused = sum(recipe.key(plan.codec) not in builder.made for recipe in composition.recipes)
    return WrittenPack(
        assembly=assembly,
        pack_id=pack_id,
        size=size,
        reused_layers=reused,
        has_notices=bool(composition.notices),
    )


def _runtime_directory() -> Path:
    import pannier.runtime

    return Path(next(iter(pannier.runtime.__path__)))


def _manifest(plan: PackPlan, layers: Sequence[KeptLayer]) -> Manifest:
    if not plan.name.isprintable() or not plan.name.strip():
        raise PackError(
            f"a pack cannot be called {plan.name!r}",
            code="pack-name",
            hint="choose a name of printable characters with `--name`",
        )
    return Manifest(
        name=plan.name,
        target=plan.target._replace(platform=least_platform(plan)),
        interpreter=packed_interpreter(plan),
        program=packed_program(plan),
        layers=tuple(one.layer for one in layers),
        environment=tuple(sorted(plan.environment)),
        lock_sha256=plan.lock_sha256,
    )

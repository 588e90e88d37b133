import os
from pathlib import Path

import pytest

from pannier.store.directories import CacheDirectories, default_cache_root


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"PANNIER_CACHE_DIR": "/p", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/p"),
        ({"PANNIER_CACHE_DIR": "", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/pannier"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/pannier"),
        ({"TMPDIR": "/t"}, f"/t/pannier-{os.getuid()}"),
        ({}, f"/tmp/pannier-{os.getuid()}"),
    ],
)
def test_the_cache_is_found_in_the_order_the_launcher_uses(environ: dict[str, str], expected: str) -> None:
    assert default_cache_root(environ) == Path(expected)


def test_every_kind_has_a_directory_of_its_own() -> None:
    directories = CacheDirectories(Path("/cache"))
    kinds = ["distributions", "built", "bytecode", "layers", "interpreters", "prefixes", "uv", "foreign"]
    assert [getattr(directories, kind) for kind in kinds] == [Path("/cache") / kind for kind in kinds]

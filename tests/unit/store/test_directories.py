import os
from pathlib import Path

import pytest

from pannier.model.errors import StorageError
from pannier.store.directories import CacheDirectories, default_cache_root, usable_cache_root


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"PANNIER_CACHE_DIR": "/p", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/p"),
        ({"PANNIER_CACHE_DIR": "", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/pannier"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/pannier"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/pannier"),
        ({"TMPDIR": "/t"}, f"/t/pannier-{os.getuid()}"),
        ({}, f"/tmp/pannier-{os.getuid()}"),
    ],
)
def test_the_cache_is_found_in_the_order_the_launcher_uses(environ: dict[str, str], expected: str) -> None:
    assert default_cache_root(environ) == Path(expected)


def test_a_home_that_cannot_be_written_to_leaves_the_last_resort(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("no directory")
    environ = {"HOME": str(home), "TMPDIR": str(tmp_path)}
    assert usable_cache_root(environ) == tmp_path / f"pannier-{os.getuid()}"
    assert usable_cache_root({**environ, "PANNIER_CACHE_DIR": str(home)}) == home, "what was asked for stays"
    home.unlink()
    assert usable_cache_root(environ) == home / ".cache" / "pannier"


def test_a_last_resort_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / f"pannier-{os.getuid()}").symlink_to(tmp_path)
    with pytest.raises(StorageError, match="someone else"):
        usable_cache_root({"HOME": "/dev/null", "TMPDIR": str(tmp_path)})


def test_every_kind_has_a_directory_of_its_own() -> None:
    directories = CacheDirectories(Path("/cache"))
    kinds = ["distributions", "built", "bytecode", "layers", "interpreters", "prefixes", "uv", "foreign"]
    assert [getattr(directories, kind) for kind in kinds] == [Path("/cache") / kind for kind in kinds]

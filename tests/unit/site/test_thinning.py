"""A finished bundle without what a server has."""

import os
from pathlib import Path

import pytest
from tests.unit.site.bundle_making import environment, plan_of, planned_interpreter, planned_wheel

from pannier.runtime.site.bundle import Bundle, check_bytes, open_bundle
from pannier.site.bundle import write_bundle
from pannier.site.delta import ServerContent
from pannier.site.thinning import thin_bundle


def opened(path: Path) -> Bundle:
    bundle = open_bundle(os.fspath(path))
    os.close(bundle.descriptor)
    return bundle._replace(descriptor=os.open(path, os.O_RDONLY))


@pytest.fixture
def whole(tmp_path: Path) -> Bundle:
    """Two environments of two versions that share a wheel, with an interpreter each, signed."""
    cache = tmp_path / "cache"
    shared, own = planned_wheel(cache, "shared"), planned_wheel(cache, "own")
    plan = plan_of(
        environment("a", "3.11.7", shared, own, interpreter=planned_interpreter(cache, "3.11.7", b"one")),
        environment("b", "3.12.1", shared, interpreter=planned_interpreter(cache, "3.12.1", b"two")),
    )
    write_bundle(plan, tmp_path / "whole.run", sign=lambda data: b"signature of " + data[:10])
    return opened(tmp_path / "whole.run")


def content(bundle: Bundle, *wheels: tuple[str, str], interpreters: tuple[int, ...] = ()) -> ServerContent:
    digests = {wheel.project: sha256 for sha256, wheel in bundle.manifest.wheels.items()}
    files = [file.sha256 for file in bundle.manifest.files if file.name.startswith("interpreters/")]
    return ServerContent(
        "a" * 64,
        frozenset((digests[project], minor) for project, minor in wheels),
        frozenset(files[number] for number in interpreters),
    )


@pytest.mark.parametrize(
    ("wheels", "interpreters", "left"),
    [
        ((("own", "3.11"),), (), {"own-1.0-py2.py3-none-any.whl"}),
        ((("shared", "3.11"),), (), set()),
        ((("shared", "3.11"), ("shared", "3.12")), (), {"shared-1.0-py2.py3-none-any.whl"}),
        ((("own", "3.11"),), (0,), {"own-1.0-py2.py3-none-any.whl"}),
    ],
)
def test_what_every_python_of_the_server_has_is_left_out(
    whole: Bundle,
    tmp_path: Path,
    wheels: tuple[tuple[str, str], ...],
    interpreters: tuple[int, ...],
    left: set[str],
) -> None:
    there = content(whole, *wheels, interpreters=interpreters)
    made = thin_bundle(Path(whole.path), there, tmp_path / "thin.run")
    assert (made is None) == (not left)
    if made is None:
        return
    thin = opened(made.path)
    assert {name.rpartition("/")[2] for name in whole.contents.keys() - thin.contents.keys()} == left
    assert (thin.manifest_bytes, thin.signature) == (whole.manifest_bytes, whole.signature)
    assert all(thin.read(name) == whole.read(name) for name in thin.contents)
    assert check_bytes(thin, whole=False) == []
    assert [problem.message for problem in check_bytes(thin)] == [
        "this bundle is damaged: the list of its files is not what the manifest says"
    ]


def test_interpreters_are_left_out_all_or_none(whole: Bundle, tmp_path: Path) -> None:
    there = content(whole, interpreters=(0, 1))
    made = thin_bundle(Path(whole.path), there, tmp_path / "thin.run")
    assert made is not None
    assert not [name for name in opened(made.path).contents if name.startswith("interpreters/")]


def test_a_server_with_nothing_in_force_gets_all(whole: Bundle, tmp_path: Path) -> None:
    there = content(whole, ("own", "3.11"))._replace(id="")
    assert thin_bundle(Path(whole.path), there, tmp_path / "thin.run") is None


def test_whatever_else_lacks_is_told(whole: Bundle, tmp_path: Path) -> None:
    made = thin_bundle(Path(whole.path), content(whole, ("own", "3.11")), tmp_path / "thin.run")
    assert made is not None
    data = bytearray(made.path.read_bytes())
    data[data.index(b"VERSION = '1.0'")] ^= 1
    made.path.write_bytes(data)
    assert ["shared" in problem.message for problem in check_bytes(opened(made.path), whole=False)] == [True]

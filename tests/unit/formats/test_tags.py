import sys

import pytest
from packaging import tags
from packaging.markers import Marker, default_environment

from pannier.formats.tags import best_wheel, marker_environment, supported_tags
from pannier.model.lock import LockedFile, LockedProject
from pannier.model.target import Platform, Target


def _target(python: str = "3.11.7", platform: str = "linux-x86_64-glibc2.28") -> Target:
    return Target(python_version=python, platform=Platform.parse(platform))


def _project(*filenames: str) -> LockedProject:
    wheels = tuple(
        LockedFile(filename=name, url=f"https://files.example/{name}", hashes={}) for name in filenames
    )
    return LockedProject(name="p", version="1", wheels=wheels)


def _best(target: Target, *filenames: str) -> str | None:
    wheel = best_wheel(_project(*filenames), target)
    return wheel.filename if wheel else None


def test_this_machines_own_tags_are_what_packaging_says_of_it() -> None:
    libc = tags.platform_tags()
    newest = next(tag for tag in libc if tag.startswith("manylinux_"))
    _, major, minor, architecture = newest.split("_", 3)
    version = ".".join(str(part) for part in sys.version_info[:3])
    target = _target(version, f"linux-{architecture}-glibc{major}.{minor}")
    assert list(supported_tags(target)) == list(tags.sys_tags())


@pytest.mark.parametrize(
    ("target", "first", "absent"),
    [
        (_target("3.6.15"), "cp36-cp36m-manylinux_2_28_x86_64", "cp36-cp36-manylinux_2_28_x86_64"),
        (
            _target("3.13.0", "linux-aarch64-glibc2.17"),
            "cp313-cp313-manylinux_2_17_aarch64",
            "py3-none-win32",
        ),
        (
            _target("3.12.0", "linux-x86_64-musl1.2"),
            "cp312-cp312-musllinux_1_2_x86_64",
            "py3-none-manylinux1_x86_64",
        ),
    ],
)
def test_tags_of_foreign_targets_start_with_their_own(target: Target, first: str, absent: str) -> None:
    found = [str(tag) for tag in supported_tags(target)]
    assert found[0].endswith(f"-linux_{target.platform.architecture}")
    assert found[1] == first
    assert absent not in found
    assert "py3-none-any" in found


def test_old_manylinux_names_stand_beside_their_glibc_version() -> None:
    found = [str(tag) for tag in supported_tags(_target())]
    at = found.index("cp311-cp311-manylinux_2_17_x86_64")
    assert found[at + 1] == "cp311-cp311-manylinux2014_x86_64"
    assert "cp311-cp311-manylinux1_x86_64" in found
    arm = [str(tag) for tag in supported_tags(_target(platform="linux-aarch64-glibc2.28"))]
    assert "cp311-cp311-manylinux2014_aarch64" in arm
    assert not [tag for tag in arm if "manylinux1_" in tag or "manylinux2010" in tag]


def test_the_newest_platform_wheel_wins_over_older_abi3_and_pure_ones() -> None:
    names = (
        "p-1-py3-none-any.whl",
        "p-1-cp37-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "p-1-cp311-cp311-manylinux_2_17_x86_64.whl",
        "p-1-cp311-cp311-manylinux_2_28_x86_64.whl",
        "p-1-cp311-cp311-manylinux_2_34_x86_64.whl",
        "p-1-cp312-cp312-manylinux_2_28_x86_64.whl",
    )
    assert _best(_target(), *names) == names[3]
    assert _best(_target(platform="linux-x86_64-glibc2.17"), *names) == names[2]
    assert _best(_target("3.10.1"), *names) == names[1]
    assert _best(_target("3.6.15"), *names) == names[0]


def test_python_2_has_wide_characters() -> None:
    names = ("p-1-cp27-cp27m-manylinux1_x86_64.whl", "p-1-cp27-cp27mu-manylinux1_x86_64.whl")
    assert _best(_target("2.7.18"), *names) == names[1]
    assert _best(_target("2.7.18"), names[0]) is None


def test_the_highest_build_number_wins_among_equals() -> None:
    names = ("p-1-2-py3-none-any.whl", "p-1-10-py3-none-any.whl", "p-1-py3-none-any.whl")
    assert _best(_target(), *names) == names[1]


def test_nothing_is_chosen_when_nothing_fits() -> None:
    assert _best(_target(), "p-1-cp311-cp311-win_amd64.whl", "p-1-cp311-cp311-macosx_11_0_arm64.whl") is None
    assert _best(_target()) is None


def test_markers_are_evaluated_for_the_target_not_for_this_python() -> None:
    environment = marker_environment(_target("3.6.15", "linux-aarch64"))
    assert set(environment) == set(default_environment()) | {"extra"}
    assert Marker("python_version < '3.8' and platform_machine == 'aarch64'").evaluate(environment)
    assert not Marker("sys_platform == 'win32' or python_full_version < '3.6.1'").evaluate(environment)

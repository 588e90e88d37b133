import shutil
import subprocess

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from packaging.version import Version

from pannier.formats.package_versions import debian_version, is_version, rpm_version

NUMBERS = st.integers(0, 30)


@st.composite
def public_versions(draw: st.DrawFn) -> str:
    """A version without a local part, of three numbers, as the versions of one project are."""
    text = f"{draw(st.sampled_from(['', '', '2!']))}{draw(NUMBERS)}.{draw(NUMBERS)}.{draw(NUMBERS)}"
    if draw(st.booleans()):
        text += f"{draw(st.sampled_from(['a', 'b', 'rc']))}{draw(NUMBERS)}"
    if draw(st.booleans()):
        text += f".post{draw(NUMBERS)}"
    if draw(st.booleans()):
        text += f".dev{draw(NUMBERS)}"
    return text


@pytest.mark.parametrize(
    ("version", "debian", "rpm"),
    [
        ("1.2.3", "1.2.3-1", (0, "1.2.3")),
        ("2.0", "2.0-1", (0, "2.0")),
        ("1.2rc1", "1.2~rc1-1", (0, "1.2~rc1")),
        ("1.2.dev3", "1.2~~dev3-1", (0, "1.2~~dev3")),
        ("1.2a1.dev3", "1.2~a1~dev3-1", (0, "1.2~a1~dev3")),
        ("1.2.post1", "1.2+post1-1", (0, "1.2^post1")),
        ("1.2+cu118", "1.2+cu118-1", (0, "1.2+cu118")),
        ("3!1.0", "3:1.0-1", (3, "1.0")),
        ("v1.0-ALPHA", "1.0~a0-1", (0, "1.0~a0")),
    ],
)
def test_a_version_is_written_as_the_package_manager_has_it(
    version: str, debian: str, rpm: tuple[int, str]
) -> None:
    assert debian_version(version, "1") == debian
    assert rpm_version(version) == rpm


@pytest.mark.parametrize(("text", "expected"), [("1.0", True), ("1.0-beta", True), ("", False), ("x", False)])
def test_a_version_is_told_from_other_text(text: str, expected: bool) -> None:
    assert is_version(text) is expected


def order_of(first: str, second: str) -> str:
    one, other = Version(first), Version(second)
    return "lt" if one < other else "gt"


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="no dpkg here")
@settings(max_examples=60, deadline=None)
@given(public_versions(), public_versions())
def test_dpkg_orders_versions_as_python_does(first: str, second: str) -> None:
    assume(Version(first) != Version(second))
    words = [debian_version(first, "1"), order_of(first, second), debian_version(second, "1")]
    assert subprocess.run(["dpkg", "--compare-versions", *words], check=False).returncode == 0


@pytest.mark.skipif(shutil.which("rpm") is None, reason="no rpm here")
def test_rpm_orders_versions_as_python_does() -> None:
    ordered = [
        *("1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0a1.post1", "1.0b1", "1.0rc1", "1.0", "1.0.post1.dev1"),
        *("1.0.post1", "1.0.1", "1.1.dev1", "1.1"),
    ]
    pairs = [(a, b) for place, a in enumerate(ordered) for b in ordered[place + 1 :]]
    script = "".join(
        f"print(rpm.vercmp('{rpm_version(a).version}', '{rpm_version(b).version}') .. ' ')" for a, b in pairs
    )
    said = subprocess.run(["rpm", "--eval", f"%{{lua:{script}}}"], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["-1"] * len(pairs)

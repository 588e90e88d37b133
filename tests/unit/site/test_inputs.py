from dataclasses import replace

import pytest
from tests.unit.site.lock_making import PLATFORM, TARGET, inputs_of, lock_of, sdist_of, tools_of, wheel_of

from pannier.formats.pylock import format_lock, parse_lock
from pannier.model.lock import Lock
from pannier.model.site import SiteEnvironment
from pannier.model.target import Platform, Target
from pannier.site.inputs import Inputs, choose_target


def locked(*requirements: str, **other: object) -> Inputs:
    """Inputs whose lock was made from them, written and read back."""
    inputs = inputs_of(*requirements)
    lock = lock_of(wheel_of("a", "1"), sdist_of("b", "2", built="x"))
    text = format_lock(replace(lock, inputs=inputs.seal(lock)))
    return inputs._replace(previous=parse_lock(text, filename="pylock.lab.toml"))


def test_a_lock_that_was_written_and_read_is_current() -> None:
    assert locked("a", "b").is_current
    assert locked("a", "b").staleness == ""


def test_the_order_of_requirements_does_not_matter() -> None:
    inputs = locked("a", "b")
    assert inputs._replace(spec=inputs.spec._replace(requirements=("b", "a"))).is_current


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one._replace(spec=one.spec._replace(requirements=("a<2", "b"))),
        lambda one: one._replace(spec=one.spec._replace(constraints=("a<2",))),
        lambda one: one._replace(spec=one.spec._replace(hashes=(("a", ("0" * 64,)),))),
        lambda one: one._replace(target=one.target._replace(python_version="3.11.8")),
        lambda one: one._replace(manner=("prereleases",)),
        lambda one: one._replace(previous=replace(one.previous, projects=one.previous.projects[:1])),
        lambda one: one._replace(previous=lock_of(wheel_of("a", "1"))),
        lambda one: one._replace(previous=None),
    ],
)
def test_whatever_changes_a_lock_no_longer_counts(change) -> None:  # type: ignore[no-untyped-def]
    changed = change(locked("a", "b"))
    assert not changed.is_current
    assert changed.staleness


def environment(python: str, platform: Platform | None = None) -> SiteEnvironment:
    return SiteEnvironment(name="lab", python=python, requirements=("r.txt",), platform=platform)


OLD = Platform.parse("linux-aarch64-glibc2.17")


@pytest.mark.parametrize(
    ("asked", "previous", "expected"),
    [
        (environment("3.6.2"), None, Target("3.6.2", PLATFORM)),
        (environment("3.6"), None, Target("3.6.9", PLATFORM)),
        (environment("3.7"), None, Target("3.7.17", PLATFORM)),
        (environment("3.6", OLD), None, Target("3.6.9", OLD)),
        (environment("3.6"), lock_of(target=Target("3.6.8", OLD)), Target("3.6.8", OLD)),
        (environment("3.7"), lock_of(target=Target("3.6.8", OLD)), Target("3.7.17", OLD)),
        (environment("3.6.1"), lock_of(target=Target("3.6.8", OLD)), Target("3.6.1", OLD)),
        (environment("3.6", PLATFORM), lock_of(target=Target("3.6.8", OLD)), Target("3.6.8", PLATFORM)),
    ],
)
def test_site_toml_decides_then_the_lock_then_this_machine(
    asked: SiteEnvironment, previous: Lock | None, expected: Target
) -> None:
    assert choose_target(asked, previous, tools_of("3.6.9", "3.11.7")) == expected


def test_the_target_is_that_of_the_lock() -> None:
    assert locked("a").previous.targets == (TARGET,)  # type: ignore[union-attr]

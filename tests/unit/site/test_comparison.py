from tests.unit.site.lock_making import lock_of, sdist_of, wheel_of

from pannier.site.comparison import Change, compare_locks


def test_every_kind_of_change_is_told_by_project() -> None:
    before = lock_of(
        wheel_of("down", "2.0"), wheel_of("gone", "1"), wheel_of("kept", "1"), wheel_of("other", "1"),
        sdist_of("same", "1", built="x"), sdist_of("twice", "1", built="x"), wheel_of("up", "1.9"),
    )  # fmt: skip
    after = lock_of(
        wheel_of("down", "1.0"), wheel_of("kept", "1"), wheel_of("new", "3"),
        wheel_of("other", "1", content="another"), sdist_of("same", "1", built="x"),
        sdist_of("twice", "1", built="y"), wheel_of("up", "1.10"),
    )  # fmt: skip
    assert compare_locks(before, after) == (
        Change("down", "downgraded", "2.0", "1.0"),
        Change("gone", "removed", "1", ""),
        Change("new", "added", "", "3"),
        Change("other", "replaced", "1", "1"),
        Change("twice", "rebuilt", "1", "1"),
        Change("up", "upgraded", "1.9", "1.10"),
    )


def test_environments_come_and_go_whole() -> None:
    assert compare_locks(None, lock_of(wheel_of("a", "1"))) == (Change("a", "added", "", "1"),)
    assert compare_locks(lock_of(wheel_of("a", "1")), None) == (Change("a", "removed", "1", ""),)


def test_a_bundle_has_a_built_wheel_as_any_other() -> None:
    built = sdist_of("a", "1", built="a-1-py3-none-any.whl")
    assert compare_locks(lock_of(built), lock_of(wheel_of("a", "1"))) == ()


def test_versions_that_no_standard_knows_are_different_all_the_same() -> None:
    assert compare_locks(lock_of(wheel_of("a", "3.2.3-x")), lock_of(wheel_of("a", "1"))) == (
        Change("a", "replaced", "3.2.3-x", "1"),
    )

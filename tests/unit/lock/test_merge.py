from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pannier.formats.pylock import projects_for
from pannier.lock.hashes import keep_hashed
from pannier.lock.merge import merge_locks
from pannier.model.errors import LockError
from pannier.model.lock import Lock, LockedFile, LockedProject
from pannier.model.spec import Spec
from pannier.model.target import Platform, Target


def _target(python: str, platform: str = "linux-x86_64") -> Target:
    return Target(python_version=python, platform=Platform.parse(platform))


def _project(name: str, version: str, *tags: str) -> LockedProject:
    wheels = tuple(
        LockedFile(filename=f"{name}-{version}-{tag}.whl", url="", hashes={"sha256": (tag[0] * 64)})
        for tag in tags or ("py3-none-any",)
    )
    return LockedProject(name=name, version=version, wheels=wheels)


def _lock(*projects: LockedProject) -> Lock:
    return Lock(projects=projects)


def _markers(lock: Lock) -> dict[str, str]:
    return {f"{project.name} {project.version}": project.marker for project in lock.projects}


def test_what_all_targets_need_has_no_marker_and_all_their_wheels() -> None:
    lock = merge_locks(
        [
            (_target("3.9.1"), _lock(_project("a", "1", "cp39-cp39-linux_x86_64", "py3-none-any"))),
            (_target("3.11.1"), _lock(_project("a", "1", "cp311-cp311-linux_x86_64", "py3-none-any"))),
        ]
    )
    assert _markers(lock) == {"a 1": ""}
    assert len(lock.projects[0].wheels) == 3
    assert lock.requires_python == ">=3.9"


def test_a_condition_names_no_more_than_it_must() -> None:
    targets = [_target(*pair) for pair in product(("3.9.1", "3.11.1"), ("linux-x86_64", "linux-aarch64"))]
    old, new, arm, one = (_project(name, "1") for name in ("old", "new", "arm", "one"))
    lock = merge_locks(
        list(zip(targets, [_lock(old), _lock(old, arm), _lock(new), _lock(new, arm, one)], strict=True))
    )
    assert _markers(lock) == {
        "old 1": 'python_version == "3.9"',
        "new 1": 'python_version == "3.11"',
        "arm 1": 'platform_machine == "aarch64"',
        "one 1": '(python_version == "3.11" and platform_machine == "aarch64")',
    }


def test_two_patches_of_one_minor_are_told_apart_by_the_whole_version() -> None:
    lock = merge_locks(
        [(_target("3.11.1"), _lock(_project("a", "1"))), (_target("3.11.9"), _lock(_project("a", "2")))]
    )
    assert _markers(lock) == {
        "a 1": 'python_full_version == "3.11.1"',
        "a 2": 'python_full_version == "3.11.9"',
    }


def test_c_libraries_cannot_be_told_apart() -> None:
    glibc, musl = _target("3.11.1"), _target("3.11.1", "linux-x86_64-musl1.2")
    assert _markers(merge_locks([(glibc, _lock(_project("a", "1"))), (musl, _lock(_project("a", "1")))]))
    with pytest.raises(LockError) as caught:
        merge_locks([(glibc, _lock(_project("a", "1"))), (musl, _lock(_project("a", "2")))])
    assert caught.value.code == "targets-indistinguishable"
    assert len(caught.value.facts["found"]) == 2


TARGETS = [
    _target(python, platform)
    for python in ("3.6.15", "3.9.1", "3.11.1")
    for platform in ("linux-x86_64", "linux-aarch64")
]
# A version of each project, or none of it.
locked = st.fixed_dictionaries({name: st.sampled_from(["", "1", "2"]) for name in "abc"})


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(TARGETS), min_size=1, unique=True),
    st.lists(locked, min_size=len(TARGETS), max_size=len(TARGETS)),
)
def test_every_target_gets_back_what_was_locked_for_it(
    targets: list[Target], locks: list[dict[str, str]]
) -> None:
    resolved = [
        (target, _lock(*(_project(name, version) for name, version in sorted(versions.items()) if version)))
        for target, versions in zip(targets, locks, strict=False)
    ]
    merged = merge_locks(resolved)
    for target, lock in resolved:
        found = [(project.name, project.version) for project in projects_for(merged, target)]
        assert found == [(project.name, project.version) for project in lock.projects]


def test_hashes_of_the_spec_narrow_the_files() -> None:
    lock = _lock(_project("a", "1", "cp39-cp39-linux_x86_64", "py3-none-any"), _project("b", "1"))
    kept = keep_hashed(lock, Spec(hashes=(("a", ("p" * 64,)),)))
    assert [wheel.filename for wheel in kept.projects[0].wheels] == ["a-1-py3-none-any.whl"]
    assert kept.projects[1] == lock.projects[1]
    with pytest.raises(LockError) as caught:
        keep_hashed(lock, Spec(hashes=(("a", ("0" * 64,)),)))
    assert caught.value.code == "hashes-refuse-all"

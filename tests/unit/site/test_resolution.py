from dataclasses import replace
from typing import Any

import pytest
from tests.unit.site.lock_making import (
    PLATFORM,
    TARGET,
    file,
    inputs_of,
    interpreter,
    lock_of,
    sdist_of,
    tools_of,
    wheel_of,
)

from pannier.model.errors import BuildError, LockError, NoCompatibleWheelError, PannierError
from pannier.model.events import SilentReporter
from pannier.model.lock import Lock
from pannier.model.target import Platform, Target
from pannier.site import locking, resolution
from pannier.site.locking import Upgrade
from pannier.site.planning import plan_environments
from pannier.site.problems import together
from pannier.site.resolution import Resolved, find_builders, resolve_environment


class Resolver:
    """Stands in for uv and pip: gives locks or errors, one after the other."""

    def __init__(self, *answers: Lock | PannierError) -> None:
        self.answers = list(answers)
        self.options: list[Any] = []

    def __call__(self, spec: Any, targets: Any, options: Any, reporter: Any) -> Lock:
        self.options.append(options)
        answer = self.answers.pop(0)
        if isinstance(answer, PannierError):
            raise answer
        return answer


def resolved(monkeypatch: pytest.MonkeyPatch, *answers: Lock | PannierError, **more: Any) -> Resolved:
    monkeypatch.setattr(resolution, "resolve", Resolver(*answers))
    inputs = inputs_of("a", **more)
    return resolve_environment(inputs, tools_of("3.11.7"), inputs.previous, SilentReporter())


def test_one_file_is_kept_of_each_project(monkeypatch: pytest.MonkeyPatch) -> None:
    best = file("a-1-cp311-cp311-manylinux_2_17_x86_64.whl")
    offered = replace(sdist_of("a", "1"), wheels=(file("a-1-py3-none-any.whl"), best))
    found = resolved(monkeypatch, lock_of(offered, sdist_of("b", "2")))
    (a, b) = found.lock.projects
    assert (a.wheels, a.sdist) == ((best,), None)
    assert b.sdist is not None
    assert found.unbuilt == (b,)


def test_what_has_nothing_for_the_target_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    found = resolved(monkeypatch, lock_of(wheel_of("a", "1", "cp27-cp27mu-manylinux1_x86_64")))
    assert [project.name for project in found.lost] == ["a"]
    with pytest.raises(NoCompatibleWheelError, match="`a 1`"):
        resolution.check_lost(found)


def test_what_was_built_of_the_same_sdist_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    before = lock_of(sdist_of("b", "2", built="x"))
    found = resolved(monkeypatch, lock_of(sdist_of("b", "2")), previous=before)
    assert found.lock.projects == before.projects
    monkeypatch.setattr(resolution, "resolve", Resolver(lock_of(sdist_of("b", "2"))))
    anew = resolve_environment(inputs_of("b", previous=before), tools_of("3.11.7"), None, SilentReporter())
    assert len(anew.unbuilt) == 1, "an upgrade builds it again"
    elsewhere = lock_of(sdist_of("b", "2", built="x"), target=TARGET._replace(python_version="3.9.1"))
    found = resolved(monkeypatch, lock_of(sdist_of("b", "2")), previous=elsewhere)
    assert len(found.unbuilt) == 1


def test_without_a_builder_it_is_found_out_what_only_an_sdist_is_there_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = Target("3.14.0", PLATFORM)
    resolver = Resolver(NoCompatibleWheelError("no"), lock_of(sdist_of("b", "2"), target=target))
    monkeypatch.setattr(resolution, "resolve", resolver)
    found = resolve_environment(inputs_of("b", target=target), tools_of("3.11.7"), None, SilentReporter())
    assert [project.name for project in found.unbuilt] == ["b"]
    assert resolver.options[0].interpreters == ()
    assert resolver.options[1].interpreters[0].target == target


def test_the_first_error_is_told_where_sdists_do_not_help(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target("3.14.0", PLATFORM)
    first = NoCompatibleWheelError("the first")
    monkeypatch.setattr(resolution, "resolve", Resolver(first, LockError("the second")))
    with pytest.raises(NoCompatibleWheelError, match="the first"):
        resolve_environment(inputs_of("b", target=target), tools_of("3.11.7"), None, SilentReporter())


def test_a_builder_is_of_the_same_minor_version_and_machine() -> None:
    tools = tools_of("3.11.2", "3.11.7", "3.12.1")
    assert [item.version for item in find_builders(TARGET, tools)] == ["3.11.7", "3.11.2"]
    foreign = TARGET._replace(platform=Platform.parse("linux-aarch64"))
    assert find_builders(foreign, tools) == ()


def test_a_plan_tells_of_every_environment_whatever_is_wrong_with_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locking, "find_uv", lambda: "uv")
    target = Target("3.14.0", PLATFORM)
    answers: dict[str, Lock | PannierError] = {
        "good": lock_of(wheel_of("a", "1", "cp311-cp311-manylinux_2_17_x86_64"), sdist_of("b", "2")),
        "bad": LockError("nothing fits"),
        "unbuildable": lock_of(sdist_of("b", "2"), target=target),
    }

    def resolve(spec: Any, targets: Any, options: Any, reporter: Any) -> Lock:
        answer = answers[spec.requirements[0]]
        if isinstance(answer, PannierError):
            raise answer
        return answer

    monkeypatch.setattr(resolution, "resolve", resolve)
    inputs = [
        inputs_of("good", name="good"),
        inputs_of("bad", name="bad"),
        inputs_of("unbuildable", name="unbuildable", target=target),
    ]
    good, bad, unbuildable = plan_environments(inputs, tools_of("3.11.7"))
    assert (good.size, good.is_size_whole, good.libc, good.problems) == (6, True, "2.17", ())
    assert [(file.kind, bool(file.builder)) for file in good.files] == [("wheel", False), ("sdist", True)]
    assert [error.message for error in bad.problems] == ["nothing fits"]
    (problem,) = unbuildable.problems
    assert isinstance(problem, BuildError)
    assert "b 2" in str(problem.facts["projects"])
    assert len(problem.facts["choices"]) == 4


def test_an_upgrade_names_projects_in_any_spelling() -> None:
    assert Upgrade.parse(["Typing_Extensions"]) == Upgrade(projects=frozenset({"typing-extensions"}))
    assert Upgrade.parse([""]).everything
    assert not Upgrade.parse([])


def test_one_problem_keeps_its_code_and_several_are_told_together() -> None:
    first = LockError("nothing fits", code="requirements-unsatisfiable", facts={"a": "b"}, hint="try")
    alone = together([("lab", first)], "be locked")
    assert (alone.code, alone.facts, alone.hint) == (first.code, {"environment": "lab", "a": "b"}, "try")
    both = together([("lab", first), ("new", interpreter_error())], "be locked")
    assert both.facts == {
        "lab": ["nothing fits", "a: b", "try"],
        "new": ["no Python", "found: 1", "found: 2"],
    }


def interpreter_error() -> PannierError:
    found = [interpreter("1").version, interpreter("2").version]
    return BuildError("no Python", facts={"found": found})

import pytest

from pannier.api.checking import check
from pannier.model.analysis import Analysis, FoundProject, Import, Location
from pannier.model.declarations import Declarations, Declared

_PLACE = Location("requirements.txt", 1)


def _import(name, kind="required", line=1):
    return Import(name, kind, Location("app.py", line))


def _project(name, *kinds, **fields):
    imports = tuple(_import(name, kind, line) for line, kind in enumerate(kinds or ("required",), 1))
    return FoundProject(name, name, "known", imports, **fields)


def _declared(requirement, group="main"):
    name = requirement.partition("[")[0].partition(">")[0]
    return Declared(name, requirement, group, "requirements", _PLACE)


def _states(projects, declared, requires=None, unknown=(), project_names=()):
    analysis = Analysis(sources=("app.py",), projects=tuple(projects), unknown=tuple(unknown))
    declarations = Declarations(tuple(declared), ("requirements.txt",), (), tuple(project_names))
    result = check(analysis, declarations, lambda: requires or {}, "3.11.7")
    return {row.name: (row.state, row.reason) for row in result.projects}, result.agrees


def test_what_is_declared_and_imported_agrees():
    states, agrees = _states([_project("PyYAML")], [_declared("pyyaml>=6")])
    assert (states, agrees) == ({"PyYAML": ("used", "")}, True)


def test_what_is_needed_and_declared_nowhere_is_missing():
    states, agrees = _states([_project("numpy"), _project("rich", "backend")], [])
    assert states["numpy"] == ("missing", "declared nowhere")
    assert states["rich"][0] == "missing"
    assert not agrees


def test_what_the_program_does_without_need_not_be_declared():
    states, agrees = _states(
        [_project("orjson", "optional"), _project("attrs", "typing"), _project("pytest", "development")], []
    )
    assert [state for state, _ in states.values()] == ["not-needed"] * 3
    assert states["orjson"][1] == "the program does without"
    assert agrees


def test_what_nothing_imports_is_unused():
    states, agrees = _states([], [_declared("somelib")])
    assert (states["somelib"], agrees) == (("unused", "nothing imports it"), False)


@pytest.mark.parametrize(
    ("requirement", "group", "reason"),
    [
        ("types-requests", "main", "type checkers"),
        ("boto3-stubs[s3]", "main", "type checkers"),
        ("pytest-cov", "main", "pytest"),
        ("flake8-bugbear", "main", "plug-in"),
        ("gunicorn", "main", "command"),
        ("psycopg2-binary", "main", "driver"),
        ("hatchling", "build", "build"),
        ("somelib", "development", "makers"),
    ],
)
def test_what_is_rightly_never_imported_is_excused_with_its_reason(requirement, group, reason):
    states, agrees = _states([], [_declared(requirement, group)])
    ((state, why),) = states.values()
    assert state == "excused"
    assert reason in why
    assert agrees


def test_what_only_makers_are_promised_is_misplaced():
    states, agrees = _states([_project("numpy")], [_declared("numpy", "development")])
    assert states["numpy"] == ("misplaced", "declared only in requirements.txt requirements")
    assert not agrees


def test_what_only_makers_import_may_be_declared_for_them():
    states, agrees = _states([_project("pytest", "development")], [_declared("pytest", "development")])
    assert (states["pytest"][0], agrees) == ("used", True)


def test_what_another_one_brings_along_is_transitive():
    states, agrees = _states(
        [_project("Flask"), _project("MarkupSafe")],
        [_declared("flask")],
        {"flask": {"jinja2"}, "jinja2": {"markupsafe"}, "markupsafe": set()},
    )
    assert states["MarkupSafe"] == ("transitive", "there only because `flask` requires it")
    assert not agrees


def test_requirements_in_a_circle_are_followed_once():
    states, _ = _states([_project("c")], [_declared("a")], {"a": {"b"}, "b": {"a"}})
    assert states["c"][0] == "missing"


def test_an_extra_brings_what_it_is_named_after():
    states, agrees = _states([_project("celery"), _project("redis")], [_declared("celery[redis,sqs]>=5")])
    assert states["redis"] == ("used", "comes with the extra `celery[redis,sqs]>=5`")
    assert agrees


def test_a_declared_alternative_counts():
    states, agrees = _states(
        [_project("opencv-python", alternatives=("opencv-python-headless",))],
        [_declared("opencv-python-headless")],
    )
    assert (states, agrees) == ({"opencv-python": ("used", "")}, True)


def test_condas_own_names_count():
    states, agrees = _states([_project("torch")], [_declared("pytorch")])
    assert (states, agrees) == ({"torch": ("used", "")}, True)


def test_the_project_itself_is_neither_missing_nor_unused():
    states, agrees = _states([_project("app")], [_declared("app[extra]")], project_names=("App",))
    assert (states, agrees) == ({}, True)


def test_an_unknown_import_fails_and_may_explain_what_is_unused():
    states, agrees = _states(
        [], [_declared("weird-lib")], unknown=[_import("strange.part"), _import("strange")]
    )
    assert states["strange"] == ("unknown", "no known project provides it")
    assert "unknown import" in states["weird-lib"][1]
    assert not agrees


def test_an_unknown_import_that_is_optional_fails_nothing():
    states, agrees = _states([], [], unknown=[_import("strange", "optional")])
    assert (states, agrees) == ({}, True)


def test_a_requirement_that_chooses_the_version_of_anothers_is_excused():
    states, _ = _states(
        [_project("flask")], [_declared("flask"), _declared("click-x")], {"flask": {"click-x"}}
    )
    assert states["click-x"] == ("excused", "chooses the version of what `flask` requires")


def test_a_part_of_a_used_whole_is_excused():
    states, _ = _states([_project("django")], [_declared("django"), _declared("django-something")])
    assert states["django-something"][0] == "excused"


@pytest.mark.parametrize(
    ("marker", "state"),
    [
        ("python_version < '3.11'", "excused"),
        ("sys_platform == 'win32'", "excused"),
        ("platform_python_implementation == 'PyPy'", "excused"),
        ("python_version >= '3.8'", "unused"),
        ("extra == 'test' and os_name == 'nt'", "excused"),
        ("no marker at all", "unused"),
    ],
)
def test_a_marker_that_does_not_hold_on_the_target_excuses(marker, state):
    item = Declared("somelib", f"somelib>=1; {marker}", "main", "requirements", _PLACE)
    states, _ = _states([], [item])
    assert states["somelib"][0] == state

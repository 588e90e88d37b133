"""What really is imported when a program runs is a subset of what analysis reports."""

import ast
import builtins
import contextlib
import types

from hypothesis import given, settings
from hypothesis import strategies as st

from pannier.imports.analysis import AnalysisOptions, analyze
from pannier.imports.text.repair import repair

_MODULES = [
    "numpy",
    "yaml",
    "cv2.data",
    "os.path",
    "sys",
    "unknown_x",
    "google.cloud.storage",
    "tomllib",
    "ujson",
]
_OPTIONS = AnalysisOptions(target_python="3.11")
_imports = st.one_of(
    st.sampled_from([f"import {name}" for name in _MODULES]),
    st.sampled_from([f"import {name} as alias" for name in _MODULES]),
    st.sampled_from([f"from {name} import thing" for name in _MODULES]),
    st.sampled_from([f"__import__({name!r})" for name in _MODULES]),
    st.sampled_from(["pass", "x = 1"]),
)


def _indented(lines):
    return [f"    {line}" for line in lines]


def _blocks(inner):
    bodies = st.lists(inner, min_size=1, max_size=3).map(
        lambda parts: [line for part in parts for line in part]
    )
    conditions = st.sampled_from(
        [
            "sys.version_info >= (3, 8)",
            "sys.version_info[0] == 2",
            "sys.platform == 'win32'",
            "flag",
            "not flag",
            "True",
        ]
    )
    return st.one_of(
        st.tuples(conditions, bodies, bodies).map(
            lambda parts: [f"if {parts[0]}:", *_indented(parts[1]), "else:", *_indented(parts[2])]
        ),
        st.tuples(
            bodies, st.sampled_from(["ImportError", "Exception", "(ImportError, KeyError)"]), bodies
        ).map(lambda parts: ["try:", *_indented(parts[0]), f"except {parts[1]}:", *_indented(parts[2])]),
        bodies.map(lambda body: ["def function():", *_indented(body), "function()"]),
        bodies.map(lambda body: ["class Something:", *_indented(body)]),
        bodies.map(lambda body: ["for _ in range(1):", *_indented(body)]),
    )


_programs = st.lists(
    st.recursive(_imports.map(lambda line: [line]), _blocks, max_leaves=8), min_size=1, max_size=4
).map(
    lambda parts: "\n".join(
        ["import sys", "flag = len(sys.argv) > 1", *(line for part in parts for line in part)]
    )
)


class _FakeModule(types.SimpleNamespace):
    """A module that has whatever is asked of it."""

    def __getattr__(self, name):
        return self


def _run(program, missing):
    """Run a program with every module faked, those of `missing` absent, and say what it imported."""
    imported = set()

    def fake_import(name, globals=None, locals=None, fromlist=(), level=0):  # noqa: A002
        if name in missing:
            raise ModuleNotFoundError(name)
        imported.add(name)
        return _FakeModule(version_info=(3, 11, 7, "final", 0), platform="linux", argv=["x"])

    namespace = {"__builtins__": {**vars(builtins), "__import__": fake_import}, "__name__": "fake"}
    with contextlib.suppress(ModuleNotFoundError, NameError):
        exec(compile(program, "program", "exec"), namespace)
    return imported


@settings(deadline=None)
@given(_programs, st.sets(st.sampled_from(["numpy", "yaml", "unknown_x", "ujson"])))
def test_what_runs_is_reported(program, missing):
    analysis = analyze([("-", program)], _OPTIONS)
    reported = {found.name for project in analysis.projects for found in project.imports}
    reported |= {found.name for found in analysis.unknown} | set(analysis.standard_library)
    tops = {name.partition(".")[0] for name in reported}
    assert {name.partition(".")[0] for name in _run(program, missing)} <= tops


@settings(deadline=None)
@given(_programs)
def test_repairing_a_program_that_parses_changes_no_import(program):
    repaired = repair(program, SyntaxError("pretended"))
    imports = [
        ast.dump(node)
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    kept = [
        ast.dump(node) for node in ast.walk(repaired.tree) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert sorted(kept) == sorted(imports)


@settings(deadline=None)
@given(st.text(alphabet="import frompt(){}[]\"'#\\\n\t :;,.=x1ñ", max_size=200))
def test_no_text_makes_analysis_fail(text):
    analyze([("-", text)], _OPTIONS)

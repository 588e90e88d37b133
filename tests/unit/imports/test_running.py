"""Programs of several files are generated, analysed, and really run: nothing runs that was not reported."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pannier.imports.analysis import AnalysisOptions, analyze

_VERSION = ".".join(map(str, sys.version_info[:3]))
_EXTERNAL = ["numpy", "yaml", "cv2", "unknown_x1", "google.cloud.storage", "ujson", "matplotlib.pyplot"]
_FILES = [
    "main.py",
    "helper.py",
    "pkg/__init__.py",
    "pkg/one.py",
    "pkg/two.py",
    "pkg/sub/__init__.py",
    "pkg/sub/leaf.py",
    "space/inner.py",
    "lib/extra.py",
    "lib/deep/__init__.py",
    "lib/deep/part.py",
]
_LOCAL = [
    "helper",
    "pkg",
    "pkg.one",
    "pkg.two",
    "pkg.sub",
    "pkg.sub.leaf",
    "space.inner",
    "extra",
    "deep.part",
]
_names = st.sampled_from([*_EXTERNAL, *_LOCAL])


def _last(name):
    return name.rpartition(".")[2]


def _import(name):
    head, _, last = name.rpartition(".")
    forms = [
        f"import {name}",
        f"import {name} as alias",
        f"from {name} import *",
        f"import importlib; importlib.import_module('{name}')",
        f"from importlib import import_module as load; load('{name}')",
        f"__import__('{name}')",
        f"for each in ('{name}', 'os'): __import__(each)",
        f"ROOT = '{head or name}'; NAME = f'{{ROOT}}.{last}' if {bool(head)} else ROOT; __import__(NAME)",
        f"import importlib; [importlib.import_module(m) for m in {{'a': '{name}'}}.values()]",
        f"import runpy, importlib; importlib.import_module(name='{name}')",
        f"def fetch(what, how=None): return __import__(what)\nfetch('{name}')",
        f"exec('import {name}')",
        f"import importlib\nTABLE = {{'x': '{name}'}}\nimportlib.import_module(TABLE.get('x'))",
        f"list(map(__import__, ['{name}']))",
        f"__import__('{head}.%s' % '{last}' if {bool(head)} else '{name}')",
    ]
    if head:
        forms.append(f"from {head} import {last}")
    return st.sampled_from(forms)


_relative = st.sampled_from(
    [
        "from . import one",
        "from . import two as other",
        "from .one import *",
        "from .sub import leaf",
        "from .sub.leaf import x",
        "from .. import two",
        "from ..one import x",
        "from .leaf import *",
        "from ... import helper",
        "import importlib; importlib.import_module('.two', 'pkg')",
        "import importlib; importlib.import_module('.one', __package__)",
    ]
)
_paths = st.sampled_from(
    [
        "import sys; sys.path.append('lib')",
        "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))",
        "import sys\nfrom pathlib import Path\nsys.path.append(str(Path(__file__).resolve().parent / 'lib'))",
        "import site; site.addsitedir('lib')",
    ]
)
_statements = st.one_of(_names.flatmap(_import), _names.flatmap(_import), _relative, _paths, st.just("x = 1"))


def _indented(text):
    return "".join(f"    {line}\n" for line in text.splitlines())


def _blocks(inner):
    body = st.lists(inner, min_size=1, max_size=2).map("\n".join)
    conditions = st.sampled_from(
        [
            "sys.version_info >= (3, 8)",
            "sys.version_info[0] == 2",
            "sys.platform.startswith('linux')",
            "os.name == 'nt'",
            "len(sys.argv) > 1",
            "not sys.argv",
            "__name__ == '__main__'",
            "sys.platform == 'win32' and sys.argv",
            "TYPE_CHECKING",
            "not TYPE_CHECKING or sys.argv",
        ]
    )
    top = "import sys, os\nfrom typing import TYPE_CHECKING\n"
    return st.one_of(
        st.tuples(conditions, body, body).map(
            lambda part: f"{top}if {part[0]}:\n{_indented(part[1])}else:\n{_indented(part[2])}"
        ),
        st.tuples(body, st.sampled_from(["ImportError", "Exception", "(ImportError, OSError)"]), body).map(
            lambda part: f"try:\n{_indented(part[0])}except {part[1]}:\n{_indented(part[2])}"
        ),
        body.map(lambda text: f"import contextlib\nwith contextlib.suppress(Exception):\n{_indented(text)}"),
        body.map(lambda text: f"def work():\n{_indented(text.replace('import *', 'import x'))}work()\n"),
        body.map(lambda text: f"class Thing:\n{_indented(text.replace('import *', 'import x'))}"),
        body.map(lambda text: f"for _ in range(2):\n{_indented(text)}"),
        body.map(lambda text: f"while True:\n{_indented(text)}    break\n"),
        body.map(
            lambda text: (
                "import asyncio\nasync def work():\n"
                f"{_indented(text.replace('import *', 'import x'))}asyncio.run(work())\n"
            )
        ),
    )


_modules = st.lists(st.recursive(_statements, _blocks, max_leaves=4), max_size=3).map("\n".join)
_programs = st.fixed_dictionaries(dict.fromkeys(_FILES, _modules))


@pytest.fixture(scope="module")
def worker():
    script = Path(__file__).parent / "program_runner.py"
    process = subprocess.Popen(
        [sys.executable, "-I", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.stdin.close()
    process.wait()


def _run(worker, directory, missing):
    known = {name.partition(".")[0] for name in (*_EXTERNAL, *_LOCAL)} - missing
    worker.stdin.write(json.dumps([directory, "main.py", sorted(known)]) + "\n")
    worker.stdin.flush()
    return json.loads(worker.stdout.readline())


# The same programs every time: a rare one that is new belongs into the corpus, and not into somebody's build.
@settings(deadline=None, max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck))
@given(program=_programs, missing=st.sets(st.sampled_from(["numpy", "yaml", "unknown_x1", "ujson"])))
def test_what_really_runs_is_reported(worker, program, missing):
    with tempfile.TemporaryDirectory() as place:
        directory = os.path.realpath(place)
        for name, text in program.items():
            path = Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        analysis = analyze([f"{directory}/main.py"], AnalysisOptions(target_python=_VERSION))
        assert not analysis.problems
        ran = _run(worker, directory, missing)
    reported = {found.name for project in analysis.projects for found in project.imports}
    reported |= {found.name for found in analysis.unknown}
    tops = {name.partition(".")[0] for name in reported}
    local = {os.path.realpath(module.path) for module in analysis.local_modules}
    local_tops = {module.name.partition(".")[0] for module in analysis.local_modules}
    assert set(ran["files"]) - {f"{directory}/main.py"} <= local
    asked = {name.partition(".")[0] for name in ran["asked"]}
    assert asked - local_tops - {_last(name) for name in _LOCAL} - {"space", "lib"} <= tops


def test_the_runner_really_runs(worker, tmp_path):
    (tmp_path / "main.py").write_text(
        "import numpy.linalg, helper\ntry:\n    import yaml\nexcept ImportError: import ujson\n"
    )
    (tmp_path / "helper.py").write_text("import cv2\n")
    ran = _run(worker, str(tmp_path.resolve()), {"yaml"})
    assert ran["asked"] == ["numpy", "numpy.linalg", "cv2", "ujson"]
    assert [Path(file).name for file in ran["files"]] == ["helper.py"]

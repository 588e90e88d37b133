"""What a project is there for, told from all places that import it together."""

import pytest

from pannier.imports.analysis import AnalysisOptions, analyze

_GUARDED = "try:\n    import redis\nexcept ImportError:\n    raise RuntimeError('install redis') from None\n"
_LAZY = "def connect():\n    import redis\n"


def _write(directory, files):
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _roles(directory, files, **options):
    _write(directory, files)
    analysis = analyze([str(directory)], AnalysisOptions(target_python="3.12", **options))
    return {project.name: project.role for project in analysis.projects}


def _role(directory, files, project="redis", **options):
    return _roles(directory, {"shop/__init__.py": "import attrs\n", **files}, **options)[project]


def test_a_library_that_tells_of_an_absence_itself_does_without(tmp_path):
    assert _role(tmp_path, {"shop/cache.py": _GUARDED}) == "optional"


def test_what_follows_the_telling_import_is_optional_too(tmp_path):
    assert _role(tmp_path, {"shop/cache.py": _GUARDED + "from redis.client import Pipeline\n"}) == "optional"


def test_a_plain_import_anywhere_else_needs_it(tmp_path):
    files = {"shop/cache.py": _GUARDED, "shop/queue.py": "import redis\n"}
    assert _role(tmp_path, files) == "runtime"


def test_a_script_needs_what_it_tells_of(tmp_path):
    assert _role(tmp_path, {"main.py": _GUARDED}) == "runtime"


def test_beside_a_script_everything_is_needed(tmp_path):
    assert _role(tmp_path, {"main.py": "import shop\n", "shop/cache.py": _GUARDED}) == "runtime"


def test_a_program_that_is_to_run_needs_everything(tmp_path):
    assert _role(tmp_path, {"shop/cache.py": _GUARDED}, is_running=True) == "runtime"


def test_functions_alone_make_nothing_optional(tmp_path):
    assert _role(tmp_path, {"shop/cache.py": _LAZY}) == "runtime"


def test_functions_do_where_another_place_does_without(tmp_path):
    other = "try:\n    import redis\nexcept ImportError:\n    redis = None\n"
    assert _role(tmp_path, {"shop/cache.py": _LAZY, "shop/find.py": other}) == "optional"


def test_functions_do_in_a_project_that_does_not_require_it(tmp_path):
    assert _role(tmp_path, {"shop/cache.py": _LAZY}, required=("attrs",)) == "optional"
    assert _role(tmp_path, {"shop/cache.py": _LAZY}, required=("attrs", "redis")) == "runtime"


@pytest.mark.parametrize("path", ["shop/caches/redis.py", "shop/redis_cache.py", "shop/redis/base.py"])
def test_a_module_named_for_it_that_nothing_imports_is_an_adapter(tmp_path, path):
    assert (
        _role(tmp_path, {"shop/caches/__init__.py": "", "shop/redis/__init__.py": "", path: "import redis\n"})
        == "optional"
    )


@pytest.mark.parametrize(
    "line", ["from shop import redis_cache", "from . import redis_cache", "import shop.redis_cache"]
)
def test_one_that_the_rest_imports_is_none(tmp_path, line):
    files = {"shop/__init__.py": f"import attrs\n{line}\n", "shop/redis_cache.py": "import redis\n"}
    assert _role(tmp_path, files) == "runtime"


def test_adapters_may_import_each_other(tmp_path):
    files = {"shop/redis/__init__.py": "from .base import Cache\n", "shop/redis/base.py": "import redis\n"}
    assert _role(tmp_path, files) == "optional"


def test_makers_files_tell_what_for(tmp_path):
    files = {
        "shop/__init__.py": "import attrs\n",
        "tests/test_shop.py": "import pytest\nimport attrs\n",
        "docs/conf.py": "import alabaster\n",
        "examples/plot.py": "import matplotlib\n",
        "benchmarks/speed.py": "import asv\n",
        "shop/types.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy\n",
        "setup.py": "import setuptools\nsetuptools.setup(name='shop')\n",
    }
    assert _roles(tmp_path, files) == {
        "attrs": "runtime",
        "pytest": "tests",
        "alabaster": "docs",
        "matplotlib": "examples",
        "asv": "tooling",
        "numpy": "typing",
        "setuptools": "tooling",
    }


def test_the_reason_is_said(tmp_path):
    _write(tmp_path, {"shop/__init__.py": "", "shop/cache.py": _GUARDED})
    (project,) = analyze([str(tmp_path)], AnalysisOptions(target_python="3.12")).projects
    assert project.role_reason == "the program itself tells when it is missing"
    assert project.optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.formats.declared import group_called, requirement_name
from pannier.formats.declared_lists import (
    declared_in_environment,
    declared_in_python_version,
    declared_in_recipe,
    declared_in_requirements,
    requirements_group,
)
from pannier.formats.declared_script import declared_in_script
from pannier.formats.declared_setup import declared_in_setup_cfg, declared_in_setup_script
from pannier.formats.declared_toml import declared_in_pipfile, declared_in_pyproject


def _by_group(declarations):
    groups = {}
    for item in declarations.requirements:
        groups.setdefault(item.group, set()).add(item.requirement)
    return groups


def _pyproject(text):
    return declared_in_pyproject(text, "pyproject.toml")


def test_pep_621_and_735_and_518():
    declarations = _pyproject("""
[build-system]
requires = ["hatchling>=1.2"]
[project]
name = "app"
dependencies = [
    "numpy>=1.2",
    "uvicorn[standard] ; python_version > '3.8'",
]
[project.optional-dependencies]
plot = ["matplotlib"]
test = ["pytest"]
[dependency-groups]
dev = ["ruff", {include-group = "other"}]
other = ["mypy"]
""")
    assert _by_group(declarations) == {
        "main": {"numpy>=1.2", "uvicorn[standard] ; python_version > '3.8'"},
        "optional": {"matplotlib"},
        "development": {"pytest", "ruff", "mypy"},
        "build": {"hatchling>=1.2"},
    }
    assert declarations.project_names == ("app",)
    numpy = next(item for item in declarations.requirements if item.name == "numpy")
    assert (str(numpy.location), numpy.place) == ("pyproject.toml:7", "project.dependencies")


def test_dynamic_dependencies_are_undecided():
    declarations = _pyproject('[project]\nname = "app"\ndynamic = ["version", "dependencies"]\n')
    (undecided,) = declarations.undecided
    assert str(undecided.location) == "pyproject.toml:3"
    assert "dynamic" in undecided.message
    assert undecided.group == "main"


@pytest.mark.parametrize(
    "tables",
    [
        """[tool.setuptools.dynamic]
dependencies = {file = ["base.txt"]}
optional-dependencies.plot = {file = "plot.txt"}
""",
        """[tool.hatch.metadata.hooks.requirements_txt]
files = ["base.txt"]
optional-dependencies.plot = ["plot.txt"]
""",
    ],
)
def test_dynamic_dependencies_that_are_in_files_are_read_from_there(tables):
    text = '[project]\nname = "app"\ndynamic = ["dependencies", "optional-dependencies"]\n' + tables
    declarations = _pyproject(text)
    assert declarations.includes == (("base.txt", "main"), ("plot.txt", "optional"))
    assert not declarations.undecided


def test_poetry_and_its_versions():
    declarations = _pyproject("""
[tool.poetry]
name = "app"
[tool.poetry.dependencies]
python = "^3.9"
requests = "^2.28.1"
attrs = "~22.1"
django = "4.*"
numpy = ">=1.2, <2"
pandas = {version = "^1.5", optional = true}
celery = {version = "5.3.1", extras = ["redis"]}
local = {path = "../local"}
zero = "^0.2.3"
many = [{version = "1", python = "<3.8"}, {version = "2", python = ">=3.8"}]
[tool.poetry.group.test.dependencies]
pytest = "*"
[tool.poetry.dev-dependencies]
black = "^22"
""")
    assert _by_group(declarations) == {
        "main": {
            *("requests>=2.28.1,<3", "attrs>=22.1,<22.2", "django==4.*", "numpy>=1.2,<2"),
            *("celery[redis]==5.3.1", "local", "zero>=0.2.3,<0.3", "many"),
        },
        "optional": {"pandas>=1.5,<2"},
        "development": {"pytest", "black>=22,<23"},
    }


def test_flit_hatch_pdm_and_uv():
    declarations = _pyproject("""
[tool.flit.metadata]
module = "app"
requires = ["attrs"]
[tool.flit.metadata.requires-extra]
doc = ["sphinx"]
yaml = ["pyyaml"]
[tool.hatch.envs.default]
dependencies = ["coverage"]
[tool.hatch.envs.lint]
extra-dependencies = ["black"]
[tool.pdm.dev-dependencies]
test = ["pytest"]
[tool.uv]
dev-dependencies = ["ruff"]
""")
    assert _by_group(declarations) == {
        "main": {"attrs"},
        "optional": {"pyyaml"},
        "development": {"sphinx", "coverage", "black", "pytest", "ruff"},
    }
    assert declarations.project_names == ("app",)


def test_toml_that_is_none_is_undecided():
    declarations = _pyproject("[project\n")
    assert not declarations.requirements
    assert "not valid TOML" in declarations.undecided[0].message


def test_a_pipfile():
    declarations = declared_in_pipfile(
        '[packages]\nrequests = "*"\nceler = {version = "==5", extras = ["redis"]}\nx = {git = "u"}\n'
        '[dev-packages]\npytest = ">=7"\n[requires]\npython_version = "3.9"\n[docs]\nsphinx = "*"\n',
        "Pipfile",
    )
    assert _by_group(declarations) == {
        "main": {"requests", "celer[redis]==5", "x"},
        "development": {"pytest>=7", "sphinx"},
    }


def test_setup_cfg():
    declarations = declared_in_setup_cfg(
        "[metadata]\nname = app\n[options]\ninstall_requires =\n    numpy>=1\n    # a comment\n"
        "    tomli; python_version < '3.11'\nsetup_requires = setuptools_scm; wheel\n"
        "[options.extras_require]\nplot = matplotlib\ntests =\n    pytest\n",
        "setup.cfg",
    )
    assert _by_group(declarations) == {
        "main": {"numpy>=1", "tomli; python_version < '3.11'"},
        "build": {"setuptools_scm", "wheel"},
        "optional": {"matplotlib"},
        "development": {"pytest"},
    }
    assert declarations.project_names == ("app",)


def test_setup_cfg_reads_from_files():
    text = "[options]\ninstall_requires = file: base.txt, more.txt\n"
    text += "[options.extras_require]\nplot = file: plot.txt\n"
    declarations = declared_in_setup_cfg(text, "setup.cfg")
    assert declarations.includes == (("base.txt", "main"), ("more.txt", "main"), ("plot.txt", "optional"))
    assert not declarations.undecided


def test_setup_cfg_of_pbr_takes_the_list_beside_it_and_its_own_extras():
    text = "[metadata]\nname = scan\n[files]\npackages = scan\n[extras]\nsarif =\n    sarif-om>=1\n"
    declarations = declared_in_setup_cfg(text, "setup.cfg")
    assert declarations.includes == (("requirements.txt", "main"),)
    assert _by_group(declarations) == {"optional": {"sarif-om>=1"}}


def _script(text):
    return declared_in_setup_script(text, "setup.py")


def test_setup_py_with_constants_and_concatenation():
    script = _script("""
from setuptools import setup
NAME = "app"
BASE = ["numpy>=1.2", "scipy"]
EXTRAS = {"plot": ["matplotlib"], "dev": BASE + ["pytest"]}
EXTRAS["all"] = EXTRAS["plot"] + ["yaml-x"]
BASE.append("attrs")
BASE += ["click"]
setup(name=NAME, install_requires=BASE + ["requests"], extras_require=EXTRAS,
      setup_requires="wheel", tests_require=("nose",))
""")
    groups = _by_group(script)
    assert groups["main"] == {"numpy>=1.2", "scipy", "attrs", "click", "requests"}
    assert groups["optional"] == {"matplotlib", "yaml-x"}
    assert groups["development"] >= {"pytest", "nose"}
    assert groups["build"] == {"wheel"}
    assert script.project_names == ("app",)
    assert not script.undecided


@pytest.mark.parametrize(
    "expression",
    [
        'open("requirements.txt").read().splitlines()',
        'open("requirements.txt").readlines()',
        '[line.strip() for line in open("requirements.txt")]',
        '[line for line in open("requirements.txt").read().split("\\n") if line and line[0] != "#"]',
        'Path(__file__).parent.joinpath("requirements.txt").read_text().split()',
        'read_requirements("requirements.txt")',
        "from_function()",
        "from_name",
        "list(map(str, from_name))",
    ],
)
def test_setup_py_that_reads_a_requirements_file(expression):
    script = _script(f"""
from setuptools import setup
def from_function():
    with open("requirements.txt") as f:
        return f.read().splitlines()
with open("requirements.txt") as stream:
    from_name = [str(r) for r in open("requirements.txt")]
setup(install_requires={expression})
""")
    assert script.includes[0] == ("requirements.txt", "main")
    assert not script.requirements


def test_setup_py_by_a_dictionary_of_keywords():
    script = _script(
        'import setuptools\nconfig = {"name": "app", "install_requires": ["numpy"]}\n'
        "setuptools.setup(**config)\n"
    )
    assert _by_group(script) == {"main": {"numpy"}}


def test_setup_py_that_only_running_tells():
    script = _script("from setuptools import setup\nsetup(install_requires=compute() + ['numpy'])\n")
    assert _by_group(script) == {"main": {"numpy"}}
    assert "only when it is run" in script.undecided[0].message


def test_setup_py_with_conditions_gives_both_sides():
    script = _script(
        "from setuptools import setup\nimport sys\n"
        "deps = ['a']\nif sys.version_info < (3,):\n    deps.extend(['b'])\n"
        "setup(install_requires=deps + (['c'] if sys.platform == 'x' else ['d']))\n"
    )
    assert _by_group(script) == {"main": {"a", "b", "c", "d"}}


def test_setup_py_in_python_2_is_read_as_far_as_its_statements_allow():
    text = (
        "try:\n    x = 1\nexcept Exception, error:\n    print 'x', error\nsetup(install_requires=['numpy'])\n"
    )
    assert _by_group(_script(text)) == {"main": {"numpy"}}
    assert "Python 3" in _script("exec 'x' in {}\n").undecided[0].message


def test_an_extra_may_have_a_name_that_groups_of_makers_have():
    text = '[project.optional-dependencies]\nformat = ["rfc3987"]\ntest = ["pytest"]\n'
    assert _by_group(_pyproject(text)) == {"optional": {"rfc3987"}, "development": {"pytest"}}


def test_setup_py_that_leads_to_itself_ends():
    script = _script("from setuptools import setup\na = b\nb = a + ['numpy']\nsetup(install_requires=a)\n")
    assert {item.name for item in script.requirements} == {"numpy"}


def test_requirements_files_with_options_and_includes():
    declarations = declared_in_requirements(
        "# head\n-r base.txt\n-c constraints.txt\n--index-url https://x\nnumpy==1.2 \\\n  --hash=sha256:00\n"
        "-e git+https://example.com/lab/tool.git#egg=lab-tool\n-e .\n./wheels/x.whl\n"
        "requests>=2 # why\ngit+https://example.com/a/pretty-lib.git@main\n=broken\n",
        "requirements.txt",
        "main",
    )
    assert declarations.includes == (("base.txt", "main"),)
    assert [item.name for item in declarations.requirements] == [
        "numpy",
        "lab-tool",
        "requests",
        "pretty-lib",
    ]
    assert declarations.requirements[0].requirement == "numpy==1.2"
    assert str(declarations.requirements[2].location) == "requirements.txt:10"
    assert [str(item.location) for item in declarations.undecided] == ["requirements.txt:12"]


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("requirements.txt", "main"),
        ("requirements-dev.txt", "development"),
        ("requirements/test.txt", "development"),
        ("dev-requirements.in", "development"),
        ("docs/requirements.txt", "development"),
        ("requirements/prod.txt", "main"),
        ("requirements_gpu.txt", "main"),
    ],
)
def test_a_requirements_files_name_says_for_whom_it_is(path, group):
    assert requirements_group(path) == group


def test_a_conda_environment():
    declarations = declared_in_environment(
        "name: x\nchannels: [conda-forge]\ndependencies:\n  - python=3.9\n  - numpy=1.21\n"
        "  - conda-forge::pandas>=1\n  - libgdal\n  - pip\n  - pip:\n    - requests==2.0\n",
        "environment.yml",
    )
    assert [item.requirement for item in declarations.requirements] == [
        "numpy==1.21.*",
        "pandas",
        "requests==2.0",
    ]


def test_a_conda_recipe():
    declarations = declared_in_recipe(
        "{% set version = '1' %}\nrequirements:\n  host:\n    - python\n    - setuptools\n  run:\n"
        "    - python >=3.6\n    - numpy >=1.2\n    - {{ pin_compatible('scipy') }}\n"
        "test:\n  requires:\n    - pytest\n",
        "meta.yaml",
    )
    assert [(item.name, item.group) for item in declarations.requirements] == [
        ("setuptools", "build"),
        ("numpy", "main"),
        ("pytest", "development"),
    ]


def test_script_metadata():
    text = '# /// script\n# dependencies = ["rich", "pandas>=2"]\n# ///\nimport rich\n'
    declarations = declared_in_script(text, "x.py")
    assert [item.requirement for item in declarations.requirements] == ["rich", "pandas>=2"]
    assert str(declarations.requirements[0].location) == "x.py:2"
    assert not declared_in_script("import rich\n", "x.py").requirements
    assert declared_in_script("# /// script\n# x =\n# ///\n", "x.py").undecided


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("numpy", "numpy"),
        ("numpy >= 1", "numpy"),
        ("Foo.Bar[x,y]~=1", "Foo.Bar"),
        ("a@ https://x/a.whl", "a"),
        ("a @ file:///x", "a"),
        ("x;python_version<'3'", "x"),
        ("x (>=1)", "x"),
        ("git+ssh://git@host/lab/tool.git", "tool"),
        ("https://host/x#egg=thing&subdirectory=y", "thing"),
        ("-e git+https://h/x#egg=thing", "thing"),
        ("", ""),
        ("./local", ""),
        ("two words", ""),
        ("=x", ""),
        ("{{ template }}", ""),
    ],
)
def test_the_name_in_a_requirement(requirement, name):
    assert requirement_name(requirement) == name


def test_groups_are_told_by_their_words():
    assert group_called("dev") == "development"
    assert group_called("unit-tests") == "development"
    assert group_called("redis") == "optional"
    assert group_called("contest") == "optional"


@given(st.text(max_size=300))
def test_no_text_makes_reading_fail(text):
    for read in (_pyproject, lambda t: declared_in_pipfile(t, "Pipfile"), _script):
        read(text)
    declared_in_setup_cfg(text, "setup.cfg")
    declared_in_requirements(text, "requirements.txt", "main")
    declared_in_environment(text, "environment.yml")
    declared_in_recipe(text, "meta.yaml")
    declared_in_script(text, "x.py")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text("abc-", min_size=1, max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_no_shape_of_a_pyproject_makes_reading_fail(value):
    import tomli_w

    for template in (
        {"project": value},
        {"project": {"dependencies": value, "optional-dependencies": value, "dynamic": value}},
        {"dependency-groups": value, "build-system": value},
        {"tool": {"poetry": value}},
        {
            "tool": {
                "poetry": {"dependencies": value, "group": value},
                "flit": value,
                "hatch": value,
                "pdm": value,
            }
        },
    ):
        try:
            text = tomli_w.dumps(template)
        except (TypeError, ValueError):
            continue
        _pyproject(text)


def _python(declarations):
    return [(str(item.location), item.place, item.specifier) for item in declarations.python]


def test_every_file_says_which_python_in_its_own_words():
    assert _python(
        _pyproject('[project]\nrequires-python = ">= 3.8, <4"\n[tool.poetry.dependencies]\npython = "^3.9"\n')
    ) == [
        ("pyproject.toml:2", "project.requires-python", ">=3.8,<4"),
        ("pyproject.toml:4", "tool.poetry.dependencies.python", ">=3.9,<4"),
    ]
    cfg = "[metadata]\nname = x\nclassifiers =\n    Programming Language :: Python :: 3\n"
    cfg += "    Programming Language :: Python :: 3.10\n    Programming Language :: Python :: 3.9\n"
    cfg += "[options]\npython_requires = >=3.9.*\n"
    assert _python(declared_in_setup_cfg(cfg, "setup.cfg")) == [
        ("setup.cfg:8", "options.python_requires", ">=3.9"),
        ("setup.cfg:6", "metadata.classifiers", ">=3.9"),
    ]
    script = "MINIMUM = '>=3.7'\nsetup(\n    python_requires=MINIMUM,\n"
    script += "    classifiers=['Programming Language :: Python :: 2.7'],\n)\n"
    assert _python(declared_in_setup_script(script, "setup.py")) == [
        ("setup.py:1", "python_requires", ">=3.7"),
        ("setup.py:4", "classifiers", "<3.0"),
    ]
    block = '# /// script\n# requires-python = ">=3.11"\n# ///\n'
    assert _python(declared_in_script(block, "a.py")) == [("a.py:2", "script.requires-python", ">=3.11")]


def test_classifiers_of_both_pythons_bound_nothing():
    names = ("2.7", "3", "3.4")
    listed = ", ".join(f'"Programming Language :: Python :: {name}"' for name in names)
    assert not _pyproject(f"[project]\nclassifiers = [{listed}]\n").python


def test_a_requires_python_that_is_no_bound_is_told():
    declarations = _pyproject('[project]\nrequires-python = "three"\n')
    assert not declarations.python
    assert str(declarations.undecided[0].location) == "pyproject.toml:2"


@pytest.mark.parametrize(
    ("item", "bounds"),
    [
        ("python=3.9", ["==3.9.*"]),
        ("python==3.9.7=h1_cpython", ["==3.9.*"]),
        ("conda-forge::python 3.10.*", ["==3.10.*"]),
        ("python>=3.8,<3.11", [">=3.8,<3.11"]),
        ("python", []),
        ("python-dateutil=2.8", []),
    ],
)
def test_a_conda_environment_says_which_python_it_has(item, bounds):
    found = declared_in_environment(f"dependencies:\n- {item}\n", "environment.yml")
    assert [(bound.specifier, bound.is_local) for bound in found.python] == [(one, True) for one in bounds]
    assert not found.undecided


def test_a_pipfile_says_which_python_it_has():
    text = '[requires]\npython_version = "3.9"\npython_full_version = "3.9.7"\n[packages]\nrich = "*"\n'
    found = declared_in_pipfile(text, "Pipfile")
    assert [bound.specifier for bound in found.python] == ["==3.9.*"]
    assert [item.name for item in found.requirements] == ["rich"]


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("3.11.4\n", ["==3.11.*"]),
        ("# ours\n3.12\n3.9\n", ["==3.12.*"]),
        ("pypy3.9-7.3\n", []),
        ("lab\n", []),
        ("", []),
    ],
)
def test_a_file_for_pyenv_says_which_python_it_has_and_requires_nothing(text, bounds):
    found = declared_in_python_version(text, ".python-version")
    assert ([bound.specifier for bound in found.python], found.files) == (bounds, ())


@pytest.mark.parametrize(
    ("wanted", "bound"),
    [
        ("^2.7 || ^3.3", ">=2.7,<4.0,!=3.0.*,!=3.1.*,!=3.2.*"),
        ("3.8 | 3.10", ">=3.8,<3.11,!=3.9.*"),
        (">=3.6,<3.8 || >=3.9", ">=3.6,!=3.8.*"),
        ("2.6 || 2.7", ">=2.6,<2.8"),
    ],
)
def test_alternatives_of_poetrys_are_the_range_that_they_span(wanted, bound):
    text = f'[tool.poetry.dependencies]\npython = "{wanted}"\n'
    assert [one.specifier for one in declared_in_pyproject(text, "pyproject.toml").python] == [bound]

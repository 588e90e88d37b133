"""A project's name and version are read from its files, in the ways of every build backend."""

from pathlib import Path

import pytest

from pannier.model.errors import SpecError
from pannier.release.project import Project, read_project


def project(directory: Path, files: dict[str, str]) -> Project:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return read_project(directory)


def dynamic(backend: str, more: str = "") -> str:
    return (
        f'[build-system]\nrequires = []\nbuild-backend = "{backend}"\n'
        f'[project]\nname = "particle"\ndynamic = ["version"]\n{more}'
    )


POETRY = '[tool.poetry]\nname = "particle"\nversion = "1.2.0"\n'
SETUP = "from setuptools import setup\nimport p\nsetup(name='{}', version=p.__version__)\n"
FLIT = '[tool.flit.metadata]\nmodule = "particle"\n'


@pytest.mark.parametrize(
    ("files", "where"),
    [
        ({"pyproject.toml": '[project]\nname = "particle"\nversion = "1.2.0"\n'}, "pyproject.toml"),
        (
            {
                "pyproject.toml": dynamic("hatchling.build", '[tool.hatch.version]\npath = "p/about.py"\n'),
                "p/about.py": '__version__ = "1.2.0"\n',
            },
            "p/about.py",
        ),
        (
            {
                "pyproject.toml": dynamic(
                    "hatchling.build",
                    "[tool.hatch.version]\npath = 'VERSION'\npattern = 'is (?P<version>.*)'\n",
                ),
                "VERSION": "it is 1.2.0\n",
            },
            "VERSION",
        ),
        (
            {
                "pyproject.toml": dynamic(
                    "setuptools.build_meta",
                    '[tool.setuptools.dynamic]\nversion = {attr = "p.about.__version__"}\n',
                ),
                "src/p/about.py": "__version__ = '1.2.0'\n",
            },
            "src/p/about.py",
        ),
        (
            {
                "pyproject.toml": dynamic(
                    "setuptools.build_meta", '[tool.setuptools.dynamic]\nversion = {file = "VERSION"}\n'
                ),
                "VERSION": "1.2.0\n",
            },
            "VERSION",
        ),
        (
            {
                "pyproject.toml": dynamic("flit_core.buildapi"),
                "particle.py": '"""P."""\n__version__ = "1.2.0"\n',
            },
            "particle.py",
        ),
        (
            {
                "pyproject.toml": dynamic(
                    "pdm.backend", '[tool.pdm.version]\nsource = "file"\npath = "p.py"\n'
                ),
                "p.py": "__version__ = '1.2.0'\n",
            },
            "p.py",
        ),
        ({"pyproject.toml": POETRY}, "pyproject.toml"),
        (
            {"pyproject.toml": FLIT, "src/particle/__init__.py": "__version__ = '1.2.0'\n"},
            "src/particle/__init__.py",
        ),
        ({"setup.cfg": "[metadata]\nname = particle\nversion = 1.2.0\n"}, "setup.cfg"),
        (
            {
                "setup.cfg": "[metadata]\nname = particle\nversion = attr: p.__version__\n",
                "p/__init__.py": "from ._version import version as __version__\n",
                "p/_version.py": "version = '1.2.0'\n",
            },
            "p/_version.py",
        ),
        (
            {
                "setup.cfg": "[metadata]\nname = particle\nversion = file: VERSION.txt\n",
                "VERSION.txt": "1.2.0",
            },
            "VERSION.txt",
        ),
        (
            {"setup.py": "from distutils.core import setup\nsetup(name='particle', version='1.2.0')\n"},
            "setup.py",
        ),
        (
            {
                "setup.py": SETUP.format("particle"),
                "p/__init__.py": "__version__ = '1.2.0'\n",
            },
            "p/__init__.py",
        ),
        (
            {
                "setup.py": "import setuptools\nsetuptools.setup()\n",
                "setup.cfg": "[metadata]\nname = particle\nversion = 1.2.0\n",
            },
            "setup.cfg",
        ),
    ],
)
def test_name_and_version_are_found(files: dict[str, str], where: str, tmp_path: Path) -> None:
    found = project(tmp_path, files)
    assert found.name is not None
    assert found.name.value == "particle"
    assert [(statement.value, statement.where) for statement in found.versions] == [("1.2.0", where)]
    assert found.reason == ""


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"pyproject.toml": dynamic("hatchling.build", '[tool.hatch.version]\nsource = "vcs"\n')},
            "source `vcs`",
        ),
        ({"pyproject.toml": dynamic("setuptools.build_meta", "[tool.setuptools_scm]\n")}, "version control"),
        ({"pyproject.toml": dynamic("maturin")}, "`maturin` computes it"),
        ({"pyproject.toml": POETRY + "[tool.poetry-dynamic-versioning]\nenable = true\n"}, "version control"),
        (
            {"pyproject.toml": "[build-system]\nrequires = []\n", "setup.py": "import x\nx.go()\n"},
            "no `setup()` call",
        ),
        (
            {"setup.py": "from setuptools import setup\nsetup(name='particle', version=compute())\n"},
            "computes it",
        ),
        ({"setup.py": "print 'Python 2'\n"}, "no `setup()` call"),
    ],
)
def test_what_only_a_build_tells_is_left_open_with_the_reason(
    files: dict[str, str], reason: str, tmp_path: Path
) -> None:
    found = project(tmp_path, files)
    assert found.versions == ()
    assert reason in found.reason


def test_every_place_that_states_the_version_is_told(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        {
            "pyproject.toml": '[project]\nname = "My.Particle"\nversion = "1.2.0"\n'
            'requires-python = ">=3.9"\n',
            "src/my_particle/__init__.py": "__version__ = '1.1.0'\n",
        },
    )
    assert [tuple(statement) for statement in found.versions] == [
        ("1.2.0", "pyproject.toml"),
        ("1.1.0", "src/my_particle/__init__.py"),
    ]
    assert found.requires_python == ">=3.9"


@pytest.mark.parametrize(
    ("written", "bound"),
    [("^3.9", ">=3.9,<4"), (">=3.8,<4.0", ">=3.8,<4.0"), ("~3.11", "~=3.11"), ("3.9 || 4", "")],
)
def test_bounds_of_poetry_are_understood(written: str, bound: str, tmp_path: Path) -> None:
    text = f'{POETRY}[tool.poetry.dependencies]\npython = "{written}"\n'
    assert project(tmp_path, {"pyproject.toml": text}).requires_python == bound


def test_a_directory_without_a_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    with pytest.raises(SpecError) as caught:
        read_project(tmp_path)
    assert caught.value.code == "no-project"


def test_nothing_of_the_project_is_run(tmp_path: Path) -> None:
    trap = "open('ran', 'w').close()\n"
    project(
        tmp_path,
        {
            "setup.py": trap + SETUP.format("p"),
            "p.py": f"{trap}__version__ = '1'\n",
        },
    )
    assert not (tmp_path / "ran").exists()
    assert not Path("ran").exists()

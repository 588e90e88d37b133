import json

import pytest

from pannier.imports.analysis import AnalysisOptions, analyze
from pannier.imports.text.notebook import parse_notebook
from pannier.imports.text.reading import parse_source


def _notebook(*cells, language="python", **document):
    listed = [{"cell_type": "code", "source": cell} for cell in cells]
    metadata = {"language_info": {"name": language}}
    return json.dumps({"cells": listed, "metadata": metadata, "nbformat": 4, **document}).encode()


def _analysis(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "n.ipynb").write_bytes(content)
    return analyze(["n.ipynb"], AnalysisOptions(target_python="3.11"))


def _names(analysis):
    return {project.name for project in analysis.projects}


def test_magics_shell_lines_and_help_are_no_python(tmp_path, monkeypatch):
    content = _notebook(
        "!ls -l\nimport numpy as np\nfiles = !ls\n"
        "np?\n?np.array\nx = %timeit -o 1\n%cd data\nif x:\n    !pwd",
        ["%%time\n", "import pandas\n", "await pandas.x()"],
        "%%bash\nimport torch",
        "%%writefile x.py\nimport tensorflow",
    )
    analysis = _analysis(tmp_path, monkeypatch, content)
    assert _names(analysis) == {"numpy", "pandas"}
    assert not analysis.problems


def test_magics_that_import_do_so(tmp_path, monkeypatch):
    content = _notebook("%matplotlib inline\n%load_ext autoreload\n%load_ext line_profiler")
    assert _names(_analysis(tmp_path, monkeypatch, content)) == {"matplotlib", "line-profiler"}


def test_a_place_in_a_notebook_is_its_cell_and_line(tmp_path, monkeypatch):
    content = _notebook("x = 1\n", "\nimport numpy")
    (project,) = _analysis(tmp_path, monkeypatch, content).projects
    assert str(project.imports[0].location) == "n.ipynb:cell 2:2"


def test_a_broken_cell_leaves_the_others(tmp_path, monkeypatch):
    analysis = _analysis(tmp_path, monkeypatch, _notebook("import numpy", "def f(:", "import pandas"))
    assert _names(analysis) == {"numpy", "pandas"}
    assert [str(problem.location) for problem in analysis.problems] == ["n.ipynb:cell 2:1"]


def test_what_a_notebook_installs_is_declared(tmp_path, monkeypatch):
    content = _notebook(
        "!pip install -q mystery==1.2 'pandas>=2'  # both\n%pip install -r requirements.txt tqdm\n"
        "!{sys.executable} -m pip install rich",
        "import mystery, pandas",
    )
    analysis = _analysis(tmp_path, monkeypatch, content)
    found = {project.name: (project.requirement, project.confidence) for project in analysis.projects}
    assert found == {
        "mystery": ("mystery==1.2", "declared"),
        "pandas": ("pandas>=2", "declared"),
        "tqdm": ("tqdm", "declared"),
        "rich": ("rich", "declared"),
    }
    assert not analysis.unknown


def test_old_notebooks_keep_their_cells_in_worksheets():
    cell = {"cell_type": "code", "input": ["import numpy\n"]}
    content = json.dumps({"worksheets": [{"cells": [cell]}], "nbformat": 3}).encode()
    reading = parse_notebook(content, "n.ipynb")
    assert reading.source is not None
    assert "import numpy" in reading.source.text


def test_what_is_no_python_notebook_is_a_problem():
    for content in (b"{", b"[]", b"3", _notebook("library(x)", language="R")):
        reading = parse_notebook(content, "n.ipynb")
        assert reading.source is None
        assert [problem.code for problem in reading.problems] == ["notebook-invalid"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"language_info": {"name": "coconut", "mimetype": "text/x-python3"}},
        {"language_info": {"name": "python"}, "kernelspec": {"language": "sage", "name": "sagemath"}},
        {"language_info": {"name": "pyspark", "codemirror_mode": {"name": "python", "version": 2}}},
        {"kernelspec": {"language": "Python"}},
        {"language_info": "python", "kernelspec": [1]},
        {"language_info": {"codemirror_mode": "r"}},
    ],
)
def test_a_kernel_for_a_kin_of_python_is_read(metadata):
    document = json.loads(_notebook("import numpy")) | {"metadata": metadata}
    assert parse_notebook(json.dumps(document).encode(), "n.ipynb").source is not None


def test_a_notebook_of_unexpected_shapes_does_not_fail():
    for cells in (None, 3, [3, {"cell_type": "code"}, {"cell_type": "code", "source": 3}], {"a": 1}):
        content = json.dumps({"cells": cells, "metadata": 3, "worksheets": 3}).encode()
        assert parse_notebook(content, "n.ipynb").source is not None


def test_what_shell_cells_and_called_magics_install_is_declared_too(tmp_path, monkeypatch):
    content = _notebook(
        "%%bash\nset -e\npip install -q lxml==5.0 && echo done\nls",
        "get_ipython().system('pip install redis')",
        'get_ipython().run_line_magic("pip", "install flask")',
        "%%html\npip install scipy",
    )
    found = {
        project.name: project.requirement for project in _analysis(tmp_path, monkeypatch, content).projects
    }
    assert found == {"lxml": "lxml==5.0", "redis": "redis", "flask": "flask"}


@pytest.mark.parametrize(
    ("line", "installed"),
    [
        ("pip install lxml", ["lxml"]),
        ("!uv pip install 'polars[all]>=0.20'", ["polars[all]>=0.20"]),
        ("!uv add rich", ["rich"]),
        ("%pip -q install tqdm; !apt-get install -y ffmpeg", ["tqdm"]),
        ("!pip install -U pip setuptools wheel && pip3.9 install rich", ["rich"]),
        ("! yes | sudo pip install flask 2>&1 > /dev/null", ["flask"]),
        ("!python -m pip install --timeout 3 lightgbm==3.3 \\\n    catboost", ["lightgbm==3.3", "catboost"]),
        ("!$PYTHON -m pip install git+https://example.org/a.git .", []),
        ("!pip install {package} $OTHER ./local -r requirements.txt", []),
        ("!echo pip installs nothing", []),
        ("install = 3", []),
    ],
)
def test_each_way_to_install_is_read(line, installed):
    source = parse_notebook(_notebook(line), "n.ipynb").source
    assert source is not None
    assert [requirement for requirement, _ in source.installs] == installed


def test_what_is_installed_decides_which_project_an_import_means(tmp_path, monkeypatch):
    content = _notebook("!pip install sklearn bs4 opencv-contrib-python==4.8", "import sklearn, bs4, cv2")
    found = {project.requirement for project in _analysis(tmp_path, monkeypatch, content).projects}
    assert found == {"scikit-learn", "beautifulsoup4", "opencv-contrib-python==4.8"}


def test_a_notebook_of_databricks_says_what_it_installs():
    text = (
        "# Databricks notebook source\n# MAGIC %pip install mlflow==2.9\n# COMMAND ----------\n"
        "# MAGIC %sh pip install xgboost\nimport numpy\n# %pip install rich\n"
    )
    source = parse_source(text.encode(), "job.py").source
    assert source is not None
    assert source.installs == (("mlflow==2.9", 2), ("xgboost", 4))


def test_an_exported_notebook_says_what_it_installs():
    text = "# In[1]:\n\nget_ipython().system('pip install lxml')\nimport numpy\n"
    analysis = analyze([("-", text)], AnalysisOptions(target_python="3.11"))
    assert _names(analysis) == {"numpy", "lxml"}
    reading = parse_source(text.encode(), "exported.py")
    assert reading.source is not None
    assert reading.source.installs == (("lxml", 3),)


def test_a_notebook_on_standard_input_is_read_by_its_cells():
    text = _notebook("%pip install lxml\nimport numpy", "import yaml").decode()
    analysis = analyze([("-", text)], AnalysisOptions(target_python="3.11"))
    assert _names(analysis) == {"lxml", "numpy", "PyYAML"}
    places = {str(found.location) for project in analysis.projects for found in project.imports}
    assert places == {"-:cell 1:1", "-:cell 1:2", "-:cell 2:1"}


def test_what_conda_installs_is_declared_by_its_name_on_the_index(tmp_path, monkeypatch):
    content = _notebook(
        "%conda install -y -c conda-forge numpy=1.21 'pandas>=1.3,<2' conda-forge::pytorch nodejs\n"
        "!conda install --yes --prefix {sys.prefix} scipy==1.7.3=py39_0 && pip install rich\n"
        "!mamba install xarray=0.20.* python pip -n base  # zarr",
        "get_ipython().run_line_magic('conda', 'install dask')",
    )
    found = {
        project.name: project.requirement for project in _analysis(tmp_path, monkeypatch, content).projects
    }
    assert found == {
        "numpy": "numpy==1.21.*",
        "pandas": "pandas>=1.3,<2",
        "torch": "torch",
        "scipy": "scipy==1.7.3",
        "rich": "rich",
        "xarray": "xarray==0.20.*",
        "dask": "dask",
    }


def test_scripts_that_a_notebook_runs_are_read(tmp_path, monkeypatch):
    for name, text in (
        ("one.py", "import numpy"),
        ("sub/two.py", "import yaml"),
        ("three.py", "import redis"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    content = _notebook("%run one.py --fast\n!python3 -u sub/two.py x", "!cat three.py")
    assert _names(_analysis(tmp_path, monkeypatch, content)) == {"numpy", "PyYAML"}


@pytest.mark.parametrize(
    ("metadata", "python"),
    [
        ({"language_info": {"name": "python", "version": "2.7.10"}}, "==2.7.*"),
        ({"kernelspec": {"name": "python2", "language": "python"}}, "==2.7.*"),
        ({"language_info": {"name": "python", "version": "3.5.1"}}, ""),
        ({"language_info": {"name": "python", "version": 2}}, ""),
    ],
)
def test_a_notebook_that_ran_with_python_2_asks_for_it(metadata, python):
    cells = [{"cell_type": "code", "source": ["import numpy\n"]}]
    text = json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4})
    analysis = analyze([("old.ipynb", text)], AnalysisOptions(target_python="3.12"))
    assert analysis.requires_python == python
    assert not python or "a kernel of Python 2" in analysis.python_reason

"""What a program uses bounds versions: the rules, their uses in text, and what follows from several."""

import re
from pathlib import Path

import pytest

from pannier.imports.analysis import AnalysisOptions, analyze
from pannier.imports.scanning.version_rules import RULES, VersionRules, parse_rules, version_rules
from pannier.imports.version_needs import VersionNeeds
from pannier.model.interpreter import InstalledDistribution


def _analysis(text: str, **options: object):
    return analyze([("-", text)], AnalysisOptions(target_python="3.12", **options))  # type: ignore[arg-type]


def _requirements(text: str) -> set[str]:
    return {project.requirement for project in _analysis(text).projects}


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("import numpy as np\nnp.zeros(2, dtype=np.int)", "numpy<1.24"),
        ("import numpy\nx = numpy.float(2)", "numpy<1.24"),
        ("import numpy as np\nx = np.int64(2)", "numpy"),
        ("import numpy as np\nx = np.bool_(2)", "numpy"),
        ("from numpy import product", "numpy<2"),
        ("from sklearn import cross_validation", "scikit-learn<0.20"),
        ("from sklearn.cross_validation import train_test_split as split", "scikit-learn<0.20"),
        ("import sklearn.grid_search\n", "scikit-learn<0.20"),
        ("from sklearn.externals import joblib", "scikit-learn<0.23"),
        ("from sklearn.model_selection import KFold", "scikit-learn>=0.18"),
        (
            "from sklearn.ensemble import (\n    AdaBoostClassifier as Ada)\nAda(base_estimator=x)",
            "scikit-learn<1.4",
        ),
        ("from sklearn.ensemble import AdaBoostClassifier as Ada\nAda(estimator=x)", "scikit-learn"),
        ("import pandas as pd\nframe.ix[0]", "pandas<1.0"),
        ("import pandas as pd\nframe = frame.append(row)", "pandas<2.0"),
        ("import pandas as pd\nnames.append(row)", "pandas"),
        ("import pandas as pd\npd.read_csv('a', sep=f(1),\n  error_bad_lines=False)", "pandas<2.0"),
        ("import yaml\nyaml.load(open('a'))", "PyYAML<6"),
        ("import yaml\nyaml.load(open('a'), yaml.SafeLoader)", "PyYAML"),
        ("import yaml\nyaml.load(stream, Loader=yaml.SafeLoader)", "PyYAML"),
        ("import sqlalchemy\nsqlalchemy.select([a, b])", "SQLAlchemy<2.0"),
        ("import sqlalchemy\nsqlalchemy.select(a, b)", "SQLAlchemy"),
        ("from django.core.urlresolvers import reverse", "Django<2.0"),
        ("import openai\nopenai.ChatCompletion.create(model='m')", "openai<1"),
        ("from openai import OpenAI", "openai>=1"),
        ("import Image\nfrom PIL import Image\nx.resize((1, 1), Image.ANTIALIAS)", "pillow<10"),
        ("from PIL import Image\nimport os\nos.path.getsize('a')", "pillow"),
        ("import numpy as np\nold.np.int(3)\nsnp.int(4)", "numpy"),
    ],
)
def test_what_is_used_bounds_the_version(text, requirement):
    assert requirement in _requirements(text)


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\n# np.int went\n",
        "import numpy as np\nx = 'np.int'\n",
        'import numpy as np\n"""\nnp.int\n"""\n',
        "import numpy as np\ntry:\n    x = np.int\nexcept AttributeError:\n    x = int\n",
        "import numpy as np\nif hasattr(np, 'int'):\n    x = np.int\n",
        "import numpy as np\nif np.__version__ < '1.24':\n    x = np.int\n",
        "import numpy as np\nimport numpy.exceptions\nx = np.int\n",
    ],
)
def test_what_is_no_use_or_has_another_way_bounds_nothing(text):
    assert _requirements(text) == {"numpy"}


def test_an_import_with_a_fallback_bounds_nothing():
    text = (
        "try:\n    from sklearn.model_selection import A\n"
        "except ImportError:\n    from sklearn.cross_validation import A\n"
    )
    assert _requirements(text) == {"scikit-learn"}


def test_the_tightest_bound_stands_with_its_place():
    analysis = _analysis("import pandas as pd\nx = pd.datetime\ny = x.ix[1]\n")
    (project,) = analysis.projects
    assert [tuple(bound) for bound in project.bounds] == [("<1.0", "`.ix[` at -:3")]


def test_a_bounded_project_bounds_the_python_and_its_companions():
    analysis = _analysis("from flask.ext.login import LoginManager\nimport flask\n")
    assert analysis.requires_python == "<3.10"
    assert "`Flask<1.0` for `flask.ext.login` at -:1" in analysis.python_reason
    assert "Werkzeug<1" in {bound.specifier for bound in analysis.companions}


def test_every_use_brings_what_its_old_version_leaves_to_others():
    analysis = _analysis("from IPython.html import widgets\nfrom IPython.parallel import Client\n")
    assert [bound.specifier for bound in analysis.companions] == [
        "ipyparallel<7",
        "ipywidgets<8",
        "notebook<7",
    ]


def test_one_of_several_companions_is_brought_where_none_is_there():
    assert [bound.specifier for bound in _analysis("import keras\n").companions] == ["tensorflow"]
    for other in ("theano", "torch", "jax", "tensorflow"):
        names = {bound.specifier for bound in _analysis(f"import keras, {other}\n").companions}
        assert other == "tensorflow" or "tensorflow" not in names


@pytest.mark.parametrize(
    ("requirement", "python"),
    [
        ("Django==1.8.3", "<3.5"),
        ("Django==1.8.*", "<3.5"),
        ("Django<1.9", "<3.5"),
        ("Django<=1.9", "<3.6"),
        ("Django~=1.8.3; python_version < '9'", "<3.5"),
        ("Django>=1.8", ""),
        ("Django==99", ""),
        ("nothing-known==1.0", ""),
    ],
)
def test_declared_versions_bound_the_python(requirement: str, python: str):
    project = re.split("[=<>~]", requirement, maxsplit=1)[0]
    declared = {project.lower(): requirement}
    source = f"import {project.lower().replace('-', '_')}\n"
    assert _analysis(source, declared=declared).requires_python == python


def test_what_is_only_needed_elsewhere_is_no_companion_alone():
    alone = _analysis("from werkzeug import secure_filename\n")
    assert not alone.companions
    both = _analysis("from werkzeug import secure_filename\nimport flask\n")
    assert [bound.specifier for bound in both.companions] == ["Flask<2"]


def test_the_standard_library_bounds_the_python():
    assert _analysis("import collections\nclass A(collections.Mapping): pass\n").requires_python == "<3.10"
    assert _analysis("from itertools import batched\n").requires_python == ">=3.12"
    assert _analysis("import string\nprint(string.letters)\n").requires_python == "==2.7.*"


def test_a_pinned_project_stays_as_it_is():
    installed = InstalledDistribution(name="numpy", version="1.22.0", import_names=("numpy",))
    analysis = _analysis("import numpy as np\nnp.int\n", installed=(installed,))
    assert [project.requirement for project in analysis.projects] == ["numpy==1.22.0"]
    assert not analysis.requires_python


def test_every_rule_is_read_and_can_be_found():
    rules = version_rules()
    rules.read_all()
    assert len(rules.bounds) > 900
    assert not [token for token, bound in rules.bounds.items() if bound.specifier.strip("<>=0123456789.")]
    assert VersionNeeds().of_project("numpy") == ()


def test_whoever_asks_for_one_import_gets_all_rules_on_it():
    everything = VersionRules(RULES.read_text("utf-8"))
    everything.read_all()
    tops = sorted(
        {name.partition(".")[0] for name in (*everything.inner, *everything.names, *everything.texts)}
    )
    assert len(tops) > 100
    for top in tops:
        asked = VersionRules(RULES.read_text("utf-8"))
        assert asked.speak_of(top)
        for kind in ("names", "calls", "texts", "inner"):
            assert _about(top, getattr(asked, kind)) == _about(top, getattr(everything, kind))
    assert not VersionRules(RULES.read_text("utf-8")).speak_of("nobody_knows")


def _about(top, rules):
    return {name: rule for name, rule in rules.items() if name.partition(".")[0] == top}


def test_a_rule_that_is_none_is_refused():
    with pytest.raises(ValueError, match="line 2"):
        list(parse_rules("[numpy]\n    numpy.int\n"))


def test_a_script_in_a_file_names_the_place(tmp_path: Path):
    script = tmp_path / "old.py"
    script.write_text("import numpy as np\n\n\nx = [np.int(3)]\n", encoding="utf-8")
    analysis = analyze([str(script)], AnalysisOptions(target_python="3.12"))
    assert analysis.projects[0].bounds[0].reason == f"`numpy.int` at {script}:4"

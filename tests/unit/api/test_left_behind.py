"""What a pack of a script says of data that it names and that does not travel."""

from pathlib import Path

import pytest

from pannier.api.left_behind import warn_of_left_behind
from pannier.api.programs import ProgramFiles

from .listening import Listener


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What is said of `app.py` with a text, beside files, of which those travel that are named."""
    monkeypatch.chdir(tmp_path)
    for name in ("conf.json", "data/a.csv", "pkg/__init__.py", "pkg/r.txt", "templates/index.html"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()

    def run(text, *carried):
        Path("app.py").write_text(text)
        names = ("app.py", "pkg/__init__.py", *carried)
        listener = Listener()
        warn_of_left_behind(ProgramFiles(tuple((name, Path(name)) for name in names)), listener)
        return {key: fact for notice in listener.notices for key, fact in notice.facts.items()}

    return run


BESIDE = "beside the program"
HERE = "import os\nfrom pathlib import Path\nHERE = Path(__file__).resolve().parent\n"


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ('HERE / "conf.json"', "conf.json"),
        ('Path(__file__).with_suffix("").parent.joinpath("data", "a.csv")', ""),
        ('HERE.joinpath("data", "a.csv")', "data/a.csv"),
        ('os.path.join(os.path.dirname(__file__), "data", "a.csv")', "data/a.csv"),
        ('f"{HERE}/conf.json"', "conf.json"),
        ('HERE / "data"', "data"),
        ('HERE / "nothing.json"', ""),
        ('importlib.resources.read_text("pkg", "r.txt")', "pkg/r.txt"),
        ('importlib.resources.files("pkg") / "r.txt"', "pkg/r.txt"),
        ('files(pkg).joinpath("r.txt").read_bytes()', "pkg/r.txt"),
        ('pkgutil.get_data("pkg", "r.txt")', "pkg/r.txt"),
        ("Flask(__name__)", "templates"),
        ("HERE.parent", ""),
        ("HERE", ""),
    ],
)
def test_what_is_named_from_the_programs_place_is_told(told, expression, path):
    expected = {BESIDE: [f"{path}, at app.py:4"]} if path else {}
    assert told(f"{HERE}x = {expression}\n") == expected


def test_what_is_named_alone_is_looked_for_where_the_command_is_run(told):
    assert told('open("conf.json")\nopen("nothing.txt")\n') == {
        "from the working directory": ["conf.json, at app.py:1"]
    }


def test_what_travels_is_not_told(told):
    text = HERE + 'a = HERE / "conf.json"\nb = HERE / "data"\nc = "app.py"\n'
    assert told(text, "conf.json", "data/a.csv") == {}


def test_a_module_names_files_from_its_own_directory(told, tmp_path):
    (tmp_path / "pkg" / "__init__.py").write_text(
        'from pathlib import Path\nPath(__file__).parent / "r.txt"\n'
    )
    assert told("import pkg\n") == {BESIDE: ["pkg/r.txt, at pkg/__init__.py:2"]}

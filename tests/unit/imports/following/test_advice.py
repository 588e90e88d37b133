"""What programs say to install, as evidence for whose an import is."""

import pytest

from pannier.imports.analysis import AnalysisOptions, analyze


def _projects(text, **options):
    analysis = analyze([("-", text)], AnalysisOptions(target_python="3.11", **options))
    return {project.name: project for project in analysis.projects}


def test_a_variant_that_is_said_is_known_by_that():
    (project,) = _projects("# pip install 'opencv-python-headless>=4'\nimport cv2\n").values()
    assert (project.name, project.requirement) == ("opencv-python-headless", "opencv-python-headless")
    assert project.confidence == "known"
    assert project.reasons == ("the program says `pip install opencv-python-headless`, at -:1",)
    assert "opencv-python" in project.alternatives


def test_what_the_user_maps_goes_before_what_the_program_says():
    mapping = {"cv2": "opencv-contrib-python"}
    assert [*_projects("import cv2  # pip install opencv-python\n", mapping=mapping)] == [
        "opencv-contrib-python"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "import quuxly  # pip install 'grault-sdk[all]>=2'\n",
        "# python3 -m pip install --upgrade grault-sdk\nimport quuxly\n",
        'try:\n    import quuxly\nexcept ImportError:\n    exit("""Run\n\n  pip3 install grault-sdk\n""")\n',
        'subprocess.call([sys.executable, "-m", "pip", "install", "grault-sdk"])\nimport quuxly\n',
    ],
)
def test_what_is_said_beside_an_unknown_import_is_a_guess_at_it(text):
    project = _projects(text)["grault-sdk"]
    assert project.confidence == "guess"
    assert project.reasons[0].startswith("the program says `pip install grault-sdk`, at -:")


def test_a_guess_holds_for_every_place_of_the_import(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("import quuxly\n")
    (tmp_path / "b.py").write_text("import quuxly.inner  # pip install grault-sdk\n")
    analysis = analyze(["."], AnalysisOptions(target_python="3.11"))
    assert analysis.unknown == ()
    assert [found.name for found in analysis.projects[0].imports] == ["quuxly", "quuxly.inner"]


def test_the_programs_own_word_confirms_a_guess():
    said = _projects("import flickrapi  # pip install flickrapi\n")
    assert _projects("import flickrapi\n")["flickrapi"].confidence == "guess"
    assert said["flickrapi"].confidence == "known"


@pytest.mark.parametrize(
    "text",
    [
        "import quuxly\nimport corgewaldo\n# pip install grault-sdk\n",
        "# apt install grault-sdk\nimport quuxly\n",
        "import quuxly  # pip install -r requirements\n",
        'subprocess.run([sys.executable, "-m", "pip", "install", "setuptools<81"])\nimport quuxly\n',
    ],
)
def test_what_may_be_said_of_something_else_decides_nothing(text):
    assert _projects(text) == {}


def test_what_is_said_of_the_import_beside_is_not_said_of_a_guess():
    text = "import flickrapi\n# not there by default: pip install requests\nimport requests\n"
    found = _projects(text)
    assert {name: project.confidence for name, project in found.items()} == {
        "flickrapi": "guess",
        "requests": "known",
    }

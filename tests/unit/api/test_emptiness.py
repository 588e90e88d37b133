import pytest

from pannier.api.analysis import AnalyzeOptions, analyze
from pannier.api.settings import Settings
from pannier.model.errors import AnalysisError

from .listening import Listener


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Analyze sources, and give what was warned of."""
    monkeypatch.chdir(tmp_path)

    def run(*sources, **options):
        listener = Listener()
        analyze(sources, AnalyzeOptions(**options), Settings(environ={}), listener)
        return listener.notices

    return run


def _put(directory, *names):
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import requests\n")


def test_a_directory_without_python_is_told_with_what_it_holds_and_what_was_left_out(told, tmp_path):
    _put(tmp_path, "web/a.js", "web/b.js", "web/README", "web/.venv/x.py", "web/build/y.py", "web/z.py")
    (tmp_path / "web" / ".gitignore").write_text("z.py\n")
    (notice,) = told("web")
    assert notice.code == "no-python-source"
    assert notice.message == "there is no Python source in `web`"
    assert notice.facts["holds"] == "5 files: 2 without a suffix, 2 .js, 1 .py"
    assert notice.facts["left out"] == [
        "web/.venv: hidden",
        "web/build: build output",
        "web/z.py: named by .gitignore",
    ]


def test_what_was_left_out_is_read_where_it_is_named(told, tmp_path):
    _put(tmp_path, "web/build/y.py")
    assert told("web/build") == []


def test_an_empty_directory_beside_a_program_is_told(told, tmp_path):
    _put(tmp_path, "app/main.py")
    (tmp_path / "empty").mkdir()
    (notice,) = told("app", "empty")
    assert notice.message == "there is no Python source in `empty`"
    assert notice.facts == {"holds": "no file"}


def test_a_directory_whose_only_source_is_unreadable_is_not_empty(told, tmp_path):
    (tmp_path / "x.py").write_bytes(b"\0")
    assert told(".") == []


@pytest.mark.parametrize("options", [{"strict": True}, {"is_running": True}])
def test_strict_use_and_a_program_to_run_refuse_a_directory_without_python(told, tmp_path, options):
    with pytest.raises(AnalysisError, match="there is no Python source") as caught:
        told(".", **options)
    assert caught.value.code == "no-python-source"


def test_a_directory_that_cannot_be_read_is_not_called_empty(told, tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "gone.py").symlink_to("nowhere")
    assert told("app") == []

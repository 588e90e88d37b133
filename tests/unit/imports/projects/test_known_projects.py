import sys
import tomllib
from pathlib import Path

import pytest

from pannier.imports.projects.known_projects import (
    Known,
    conda_name,
    entry,
    has_deeper,
    is_namespace,
    project_of_conda,
    providers,
    reasons,
    unranked,
)
from pannier.model.analysis import CONTESTED

_ROOT = Path(__file__).parents[4]
_DATA = _ROOT / "src/pannier/imports/data"
_TABLES = ("import_names.txt", "ranked_names.txt", "conda_names.txt")


@pytest.fixture(scope="module")
def builder():
    sys.path.insert(0, str(_ROOT / "scripts"))
    try:
        import build_import_data
    finally:
        sys.path.remove(str(_ROOT / "scripts"))
    return build_import_data


def _lines(table):
    return [line for line in (_DATA / table).read_text("utf-8").splitlines() if not line.startswith("#")]


def test_the_shipped_table_is_what_its_source_gives(builder):
    table = builder.parse((_DATA / "projects.txt").read_text(encoding="utf-8"))
    assert not builder.complaints(table)
    assert (_DATA / "import_names.txt").read_text(encoding="utf-8") == builder.format_table(table)


@pytest.mark.parametrize("table", _TABLES)
def test_each_table_is_sorted_by_its_names_and_names_nothing_twice(table):
    names = [line.partition(" ")[0].encode() for line in _lines(table)]
    assert names == sorted(set(names))


def test_all_tables_together_are_small():
    assert sum(path.stat().st_size for path in _DATA.iterdir()) < 1_500_000


def test_every_line_is_found(builder):
    for table in _TABLES[:2]:
        missing = [line for line in _lines(table)[::37] if not entry(line.partition(" ")[0])]
        assert not missing
    assert all(conda_name(line.partition(" ")[0]) for line in _lines("conda_names.txt")[::37])


def test_no_refused_project_is_ranked(builder):
    table = builder.parse((_DATA / "projects.txt").read_text(encoding="utf-8"))
    assert not list(builder.refused_but_ranked(table, (_DATA / "ranked_names.txt").read_text("utf-8")))


def test_all_evidence_has_words():
    letters = {
        letter
        for line in _lines("ranked_names.txt")
        for item in line.split()[1:]
        for letter in item.rpartition(":")[2]
    }
    assert all(reasons("".join(letters)))


def test_the_sources_are_named_with_date_licence_and_hash():
    sources = tomllib.loads((_DATA / "sources.toml").read_text("utf-8"))["source"]
    assert all({"date", "licence", "sha256", "from", "what"} <= source.keys() for source in sources)
    notice = (_DATA / "NOTICE.txt").read_text("utf-8")
    assert all(source["name"] in notice for source in sources if "none stated" not in source["licence"])


def test_the_longest_known_part_of_a_name_decides():
    assert _named("mpl_toolkits.basemap.x") == ("mpl_toolkits.basemap", "basemap")
    assert _named("mpl_toolkits.other") == ("mpl_toolkits", "matplotlib")
    assert _named("google.cloud.storage_v1.types") == ("google.cloud.storage", "google-cloud-storage")


def _named(name):
    matched, (first, *_) = providers(name)
    return matched, first.project


@pytest.mark.parametrize(
    ("name", "project"),
    [
        ("serial", "pyserial"),
        ("jwt", "PyJWT"),
        ("haystack.nodes", "farm-haystack"),
        ("haystack.query", "django-haystack"),
        ("haystack.components", "haystack-ai"),
        ("acme.jax", "dm-acme"),
        ("acme.client", "acme"),
        ("captcha.image", "captcha"),
        ("serpapi.GoogleSearch", "google-search-results"),
        ("airflow.providers.cncf.kubernetes", "apache-airflow-providers-cncf-kubernetes"),
        ("azure.ai.formrecognizer", "azure-ai-formrecognizer"),
        ("opentelemetry.instrumentation.asyncpg", "opentelemetry-instrumentation-asyncpg"),
        ("testing.postgresql", "testing.postgresql"),
    ],
)
def test_what_is_taken_from_a_shared_name_tells_the_project(name, project):
    assert providers(name)[1][0].project == project


def test_a_namespace_gives_no_project():
    assert is_namespace("google.cloud")
    assert has_deeper("google.cloud")
    assert providers("google.cloud.nothing_known") == ("", ())


def test_a_name_is_looked_up_whole():
    assert entry("yam") == ()
    assert entry("yaml") == (Known("PyYAML", "h"),)
    assert entry("PyYAML") == ()
    assert entry("") == entry("~~~") == ()


def test_an_unranked_project_is_a_guess_and_no_more():
    (found,) = unranked("flickrapi.core")
    assert (found.project, found.is_certain) == ("flickrapi", False)


def test_a_project_whose_spelling_alone_is_recorded_is_guessed_in_lower_case_too():
    assert [found.project for found in unranked("pymarkovchain")] == ["pymarkovchain"]


def test_one_that_nobody_ranks_is_a_guess_where_another_has_the_very_name():
    (found, *_) = entry("lsd")
    assert (found.project, found.is_certain) == ("lsds", False)
    assert CONTESTED in reasons(found.evidence)


def test_one_that_nobody_ranks_is_known_where_hardly_another_holds_the_name():
    (found, *_) = entry("idaes")
    assert (found.project, found.is_certain) == ("idaes-pse", True)


@pytest.mark.parametrize("name", ["requets", "nunpy", "pandsa", "requestz", "utils", "machine", "telnetlib"])
def test_typing_errors_everyones_words_and_standard_modules_are_never_guessed(name):
    assert entry(name) == unranked(name) == ()


def test_conda_has_names_of_its_own():
    assert (conda_name("torch"), conda_name("PyYAML"), conda_name("no-such-project-0")) == (
        "pytorch",
        "pyyaml",
        "",
    )


@pytest.mark.parametrize(
    "text", ["A: x\nB: x\n", "! sklearn\nsklearn: sklearn\n", "= x\nA: x\n", "A: not-dotted\n"]
)
def test_a_list_that_contradicts_itself_is_refused(builder, text):
    assert builder.complaints(builder.parse(text))


def test_braces_stand_for_a_line_each(builder):
    table = builder.parse("a-{b,c-d}: a.{} A.{/}\n")
    assert table.first == {"a.b": "a-b", "a.c_d": "a-c-d", "A.b": "a-b", "A.c.d": "a-c-d"}


def test_parts_of_a_package_of_conda_are_the_project_that_it_is_made_from():
    assert project_of_conda("opencv") == "opencv-python"
    assert project_of_conda("py-opencv") == "opencv-python"
    assert project_of_conda("Matplotlib-base") == "matplotlib"
    assert conda_name("opencv-python") == "opencv"

import importlib.util
from pathlib import Path

import pytest

from pannier.imports.known_projects import entry, has_deeper, is_namespace, providers

_ROOT = Path(__file__).parents[3]


def _builder():
    spec = importlib.util.spec_from_file_location("build_import_data", _ROOT / "scripts/build_import_data.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_shipped_table_is_what_its_source_gives():
    builder = _builder()
    table = builder.parse((builder.DATA / "projects.txt").read_text(encoding="utf-8"))
    assert not builder.complaints(table)
    assert (builder.DATA / "import_names.txt").read_text(encoding="utf-8") == builder.format_table(table)


def test_the_table_is_sorted_and_small():
    text = (_ROOT / "src/pannier/imports/data/import_names.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines == sorted(lines)
    assert len(text) < 300_000


def test_the_longest_known_part_of_a_name_decides():
    assert providers("mpl_toolkits.basemap.x") == ("mpl_toolkits.basemap", ("basemap",))
    assert providers("mpl_toolkits.other") == ("mpl_toolkits", ("matplotlib",))
    assert providers("google.cloud.storage_v1.types") == ("google.cloud.storage", ("google-cloud-storage",))


def test_a_namespace_gives_no_project():
    assert is_namespace("google.cloud")
    assert has_deeper("google.cloud")
    assert providers("google.cloud.nothing_known") == ("", ())


def test_a_name_is_looked_up_whole():
    assert entry("yam") == ()
    assert entry("yaml") == ("PyYAML",)
    assert entry("PyYAML") == ()


@pytest.mark.parametrize(
    "text", ["A: x\nB: x\n", "! sklearn\nsklearn: sklearn\n", "= x\nA: x\n", "A: not-dotted\n"]
)
def test_a_list_that_contradicts_itself_is_refused(text):
    builder = _builder()
    assert builder.complaints(builder.parse(text))


def test_braces_stand_for_a_line_each():
    builder = _builder()
    table = builder.parse("a-{b,c-d}: a.{} A.{/}\n")
    assert table.first == {"a.b": "a-b", "a.c_d": "a-c-d", "A.b": "a-b", "A.c.d": "a-c-d"}

from pannier.server.catalogue.records import SearchRow
from pannier.server.search import search

ROWS = [
    SearchRow("kit", "1.0", "A box"),
    SearchRow("my-tool", "1.0", "Kit of old"),
    SearchRow("my-tool", "1.10", "Things"),
    SearchRow("my-tool", "1.9", "Things"),
    SearchRow("other", "2.0rc1", "Everything for a kit"),
    SearchRow("other", "1.0", "Everything for a kit"),
    SearchRow("toolkit", "1", ""),
]


def test_names_come_before_summaries_and_the_whole_name_first() -> None:
    assert [hit.row.name for hit in search(ROWS, ["Kit"])] == ["kit", "toolkit", "other"]


def test_of_each_project_the_newest_version_counts() -> None:
    assert [hit.row.version for hit in search(ROWS, ["my_tool"])] == ["1.10"]
    assert [hit.row.version for hit in search(ROWS, ["other"])] == ["1.0"]
    assert search(ROWS, ["of", "old"]) == []


def test_every_word_must_occur_and_no_word_finds_all() -> None:
    assert [hit.row.name for hit in search(ROWS, ["kit", "everything"])] == ["other"]
    assert len(search(ROWS, [])) == 4
    assert len(search(ROWS, [], limit=2)) == 2

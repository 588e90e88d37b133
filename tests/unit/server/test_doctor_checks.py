"""What is right and wrong with an index, judged from its answers."""

from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.server.doctor.checks import Namesake, check_clients, check_namesakes, check_pages

GOOD = FileLink(
    "a-1-py3-none-any.whl", "", {"sha256": "0" * 64}, metadata={}, upload_time="2026-01-01T00:00:00Z"
)


def states(files: list[FileLink]) -> dict[str, str]:
    return {finding.check: finding.state for finding in check_pages({"a": ProjectPage("a", files)})}


def test_a_good_page_is_good() -> None:
    assert set(states([GOOD]).values()) == {"good"}


def test_each_lack_is_found() -> None:
    assert states([GOOD._replace(hashes={"md5": "0"})])["hashes"] == "problem"
    assert states([GOOD._replace(metadata=None)])["metadata"] == "warning"
    assert states([GOOD._replace(filename="a-1.tar.gz", metadata=None)])["metadata"] == "good"
    assert states([GOOD._replace(upload_time="")])["upload-times"] == "warning"
    assert states([GOOD._replace(filename="b-1-py3-none-any.whl")])["file-names"] == "problem"


def test_namesakes_are_problems_unless_they_are_meant() -> None:
    namesakes = [Namesake("our-tool", "1.0", "99.0", []), Namesake("numpy", "2.0", "2.1", ["numpy-2.0.whl"])]
    names, mixing = check_namesakes(namesakes, 5, [], [])
    assert (names.state, mixing.state) == ("problem", "problem")
    assert names.subjects[0] == "our-tool (here 1.0, upstream 99.0)"
    (only,) = check_namesakes(namesakes, 5, [], ["NumPy"])
    assert only.subjects == ["our-tool (here 1.0, upstream 99.0)"]
    assert [finding.state for finding in check_namesakes([], 5, [], [])] == ["good"]


def test_silence_of_upstream_is_no_good_news() -> None:
    assert [finding.state for finding in check_namesakes([], 5, ["a"], [])] == ["good", "skipped"]


def test_clients_with_several_indexes_are_warned_about() -> None:
    url = "https://i.example/simple/"
    assert [finding.state for finding in check_clients(url, url, [], "")] == ["good"]
    warned = check_clients(url, url, ["https://other.example"], "unsafe-best-match")
    assert [(finding.check, finding.state) for finding in warned] == [
        ("extra-index-url", "warning"),
        ("index-strategy", "warning"),
    ]

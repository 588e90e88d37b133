"""`api.doctor` against indexes on loopback."""

from collections.abc import Iterator

import pytest
from tests.fake_upstream import FakeUpstream

from pannier.api.diagnosis import DoctorOptions, DoctorResult, doctor
from pannier.api.settings import Settings
from pannier.model.errors import FetchError, UsageError


@pytest.fixture
def private() -> Iterator[FakeUpstream]:
    with FakeUpstream() as index:
        index.offer("our-tool", "1.0", metadata=b"Name: our-tool\n")
        index.offer("library", "1.0", metadata=b"Name: library\n")
        yield index


@pytest.fixture
def public() -> Iterator[FakeUpstream]:
    with FakeUpstream() as index:
        yield index


def look(private: FakeUpstream, public: FakeUpstream | None = None, **about: object) -> DoctorResult:
    environ = {"HOME": "/nonexistent", "PIP_CONFIG_FILE": "/dev/null", **dict(about.pop("environ", {}))}  # type: ignore[call-overload]
    options = DoctorOptions(private.simple, public.simple if public else "")
    return doctor(options._replace(**about), Settings(environ=environ))  # type: ignore[arg-type]


def states(result: DoctorResult, check: str) -> list[str]:
    return [finding.state for finding in result.findings if finding.check == check]


def test_an_index_of_unique_names_is_well(private: FakeUpstream, public: FakeUpstream) -> None:
    result = look(private, public)
    assert result.is_well
    assert states(result, "names") == ["good"]
    assert states(result, "downloads") == ["good"]
    assert states(result, "metadata-files") == ["good"]
    assert sorted(path for path in public.requests) == ["/simple/library/", "/simple/our-tool/"]


def test_names_that_are_upstream_too_are_named(private: FakeUpstream, public: FakeUpstream) -> None:
    public.offer("our-tool", "99.0")
    result = look(private, public)
    assert not result.is_well
    (finding,) = [finding for finding in result.findings if finding.check == "names"]
    assert list(finding.subjects) == ["our-tool (here 1.0, upstream 99.0)"]
    assert states(result, "mixing") == []
    assert look(private, public, allowed=("Our_Tool",)).is_well


def test_an_index_that_mixes_is_found_out(private: FakeUpstream, public: FakeUpstream) -> None:
    private.projects["our-tool"].append(public.offer("our-tool", "99.0"))
    assert states(look(private, public), "mixing") == ["problem"]


def test_an_upstream_that_is_silent_proves_nothing(private: FakeUpstream, public: FakeUpstream) -> None:
    public.status = 503
    assert "skipped" in states(look(private, public), "names")
    assert states(look(private), "names") == ["skipped"]


def test_a_file_that_is_not_what_the_page_says_is_found(private: FakeUpstream) -> None:
    private.projects["library"][0].hashes = {"sha256": "0" * 64}
    private.projects["library"][0].content = b"x"
    private.projects["our-tool"][0].metadata_hash = "0" * 64
    result = look(private)
    assert states(result, "downloads") == ["problem"]
    assert states(look(private, projects=("our-tool",)), "metadata-files") == ["problem"]


def test_clients_that_ask_elsewhere_too_are_warned_about(private: FakeUpstream) -> None:
    environ = {"PIP_EXTRA_INDEX_URL": "https://u:secret@x.example/simple"}
    result = look(private, environ=environ)
    assert states(result, "extra-index-url") == ["warning"]
    assert result.is_well
    assert "secret" not in str(result)


def test_what_is_no_index_is_refused(private: FakeUpstream) -> None:
    with pytest.raises(UsageError, match="no index"):
        look(private, index_url="")
    with pytest.raises(FetchError, match="does not list"):
        look(private, index_url=private.simple.replace("/simple/", "/files/"))
    private.stop()
    with pytest.raises(FetchError, match="does not answer"):
        look(private)
    private.start()

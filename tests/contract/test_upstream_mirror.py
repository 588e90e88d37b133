"""The mirror against an index on loopback that is good, slow, broken, lying or gone, in HTML and in JSON."""

import asyncio
import hashlib
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.fake_upstream import Dialect, FakeUpstream, Offered

from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.model.errors import HashMismatchError
from pannier.store.upstream.address import Upstream, parse_upstream
from pannier.store.upstream.client import UpstreamClient, UpstreamUnavailableError
from pannier.store.upstream.kept import UpstreamCache, file_key
from pannier.store.upstream.mirror import Mirror

Result = TypeVar("Result")
Step = Callable[[Mirror], Awaitable[Result]]


@pytest.fixture(params=["json", "html"])
def upstream(request: pytest.FixtureRequest) -> Iterator[FakeUpstream]:
    """An index, in each dialect."""
    dialect: Dialect = request.param
    with FakeUpstream(dialect=dialect) as index:
        yield index


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def using(
    upstream: FakeUpstream, root: Path, step: Step[Result], clock: Clock | None = None, **about: Any
) -> Result:
    """Run a step with the mirror of a process that starts and stops."""

    async def run() -> Result:
        address = parse_upstream(upstream.simple)._replace(**about)
        mirror = Mirror(UpstreamClient(address), UpstreamCache(root), clock or Clock())
        try:
            return await step(mirror)
        finally:
            await mirror.close()

    return asyncio.run(run())


async def files_of(mirror: Mirror, name: str) -> list[FileLink]:
    """The files of a project that is there."""
    page = (await mirror.page(name)).page
    assert page is not None
    return list(page.files)


async def download(mirror: Mirror, name: str, position: int = 0) -> bytes:
    """A file of a project, as a client receives it."""
    file = (await files_of(mirror, name))[position]
    return b"".join([block async for block in mirror.fetch_file(name, file).blocks()])


def litter(root: Path) -> list[str]:
    """What is half made."""
    return [str(path) for path in root.rglob("*") if path.name.endswith((".part", ".tmp"))]


def test_a_page_says_what_the_index_said(upstream: FakeUpstream, tmp_path: Path) -> None:
    upstream.offer("demo", "1.0", requires_python=">=3.8", yanked="broken", metadata=b"Name: demo\n")
    offered = upstream.offer("demo", "2.0", yanked="")
    upstream.offer("demo", "3.0")
    first, second, third = using(upstream, tmp_path, lambda mirror: files_of(mirror, "demo"))
    assert first.filename == "demo-1.0-py3-none-any.whl"
    assert (first.requires_python, first.yanked) == (">=3.8", "broken")
    assert first.metadata == {"sha256": hashlib.sha256(b"Name: demo\n").hexdigest()}
    assert (second.yanked, third.yanked) == ("", None)
    assert second.hashes == offered.hashes
    assert second.url == f"http://127.0.0.1:{upstream.port}/files/demo-2.0-py3-none-any.whl"
    told = upstream.dialect == "json"
    assert second.size == (len(offered.content) if told else None)
    assert second.upload_time == (offered.upload_time if told else "")


def test_a_fresh_page_is_not_asked_for_again(upstream: FakeUpstream, tmp_path: Path) -> None:
    upstream.offer("demo", "1.0")
    for _ in range(3):
        using(upstream, tmp_path, lambda mirror: mirror.page("demo"))
    assert upstream.requests == ["/simple/demo/"]


def test_an_old_page_is_asked_for_with_its_validator(upstream: FakeUpstream, tmp_path: Path) -> None:
    upstream.offer("demo", "1.0")
    clock = Clock()
    first = using(upstream, tmp_path, lambda mirror: mirror.page("demo"), clock)
    clock.ahead = 601
    second = using(upstream, tmp_path, lambda mirror: mirror.page("demo"), clock)
    assert "if-none-match" in upstream.headers[-1]
    assert (first.page, first.revision) == (second.page, second.revision)
    upstream.offer("demo", "2.0")
    clock.ahead = 1300
    third = using(upstream, tmp_path, lambda mirror: mirror.page("demo"), clock)
    assert third.page is not None
    assert len(third.page.files) == 2
    assert third.revision != first.revision
    assert len(upstream.requests) == 3


@pytest.mark.parametrize("trouble", ["refused", "500", "503", "401", "garbage", "slow"])
def test_an_old_page_is_served_while_the_index_is_in_trouble(
    upstream: FakeUpstream, tmp_path: Path, trouble: str
) -> None:
    upstream.offer("demo", "1.0")
    clock = Clock()
    using(upstream, tmp_path, lambda mirror: mirror.page("demo"), clock)
    clock.ahead = 4000
    make_trouble(upstream, trouble)
    kept = using(upstream, tmp_path, lambda mirror: mirror.page("demo"), clock, patience=0.05)
    assert kept.page is not None
    assert [file.filename for file in kept.page.files] == ["demo-1.0-py3-none-any.whl"]
    end_trouble(upstream, trouble)


@pytest.mark.parametrize("trouble", ["refused", "500", "503", "401", "slow"])
def test_silence_says_nothing_of_a_project(upstream: FakeUpstream, tmp_path: Path, trouble: str) -> None:
    make_trouble(upstream, trouble)
    with pytest.raises(UpstreamUnavailableError) as caught:
        using(upstream, tmp_path, lambda mirror: mirror.page("demo"), timeout=0.2)
    assert caught.value.retry_after >= 1
    end_trouble(upstream, trouble)


def test_what_was_missing_may_be_there_now(upstream: FakeUpstream, tmp_path: Path) -> None:
    clock = Clock()
    assert using(upstream, tmp_path, lambda mirror: mirror.page("demo"), clock).page is None
    assert using(upstream, tmp_path, lambda mirror: mirror.page("demo"), clock).page is None
    assert len(upstream.requests) == 1
    upstream.offer("demo", "1.0")
    clock.ahead = 61
    assert using(upstream, tmp_path, lambda mirror: mirror.page("demo"), clock).page is not None


def test_an_old_absence_is_not_repeated_while_the_index_is_down(
    upstream: FakeUpstream, tmp_path: Path
) -> None:
    clock = Clock()
    using(upstream, tmp_path, lambda mirror: mirror.page("demo"), clock)
    clock.ahead = 61
    upstream.status = 503
    with pytest.raises(UpstreamUnavailableError):
        using(upstream, tmp_path, lambda mirror: mirror.page("demo"), clock)


def make_trouble(upstream: FakeUpstream, trouble: str) -> None:
    """Break the index."""
    if trouble == "refused":
        upstream.stop()
    elif trouble == "slow":
        upstream.gate.clear()
    elif trouble == "garbage":
        upstream.projects["demo"] = []
        upstream.page = lambda *_: b'{"meta": {"api-version": "7.0"}, "files": []}'  # type: ignore[method-assign]
        upstream.dialect = "json"
    else:
        upstream.status = int(trouble)


def end_trouble(upstream: FakeUpstream, trouble: str) -> None:
    """Mend it, as far as the fixture needs that."""
    if trouble == "refused":
        upstream.start()


def test_one_request_serves_many_who_wait(upstream: FakeUpstream, tmp_path: Path) -> None:
    upstream.offer("demo", "1.0", content=b"x" * 100_000)

    async def together(mirror: Mirror) -> list[bytes]:
        upstream.gate.clear()
        pages = [asyncio.ensure_future(mirror.page("demo")) for _ in range(50)]
        await asyncio.to_thread(wait_until, lambda: bool(upstream.requests))
        upstream.gate.set()
        await asyncio.gather(*pages)
        return await asyncio.gather(*(download(mirror, "demo") for _ in range(50)))

    contents = using(upstream, tmp_path, together)
    assert set(contents) == {b"x" * 100_000}
    assert sorted(upstream.requests) == ["/files/demo-1.0-py3-none-any.whl", "/simple/demo/"]


def test_who_gives_up_does_not_stop_what_others_wait_for(upstream: FakeUpstream, tmp_path: Path) -> None:
    upstream.offer("demo", "1.0")

    async def leave(mirror: Mirror) -> ProjectPage | None:
        upstream.gate.clear()
        first = asyncio.ensure_future(mirror.page("demo"))
        second = asyncio.ensure_future(mirror.page("demo"))
        await asyncio.to_thread(wait_until, lambda: bool(upstream.requests))
        first.cancel()
        upstream.gate.set()
        return (await second).page

    assert using(upstream, tmp_path, leave) is not None
    assert len(upstream.requests) == 1


PROCESS = """
import asyncio, sys
from pathlib import Path
from pannier.store.upstream.address import parse_upstream
from pannier.store.upstream.client import UpstreamClient
from pannier.store.upstream.kept import UpstreamCache
from pannier.store.upstream.mirror import Mirror

async def run():
    mirror = Mirror(UpstreamClient(parse_upstream(sys.argv[1])), UpstreamCache(Path(sys.argv[2])))
    page = (await mirror.page("demo")).page
    data = b"".join([block async for block in mirror.fetch_file("demo", page.files[0]).blocks()])
    print(len(data), flush=True)
    await mirror.close()

asyncio.run(run())
"""


def start_process(upstream: FakeUpstream, root: Path) -> "subprocess.Popen[str]":
    """Another worker of the same server."""
    command = [sys.executable, "-c", PROCESS, upstream.simple, str(root)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_one_request_serves_several_processes(tmp_path: Path) -> None:
    with FakeUpstream() as upstream:
        upstream.offer("demo", "1.0", content=b"x" * 300_000)
        upstream.gate.clear()
        processes = [start_process(upstream, tmp_path) for _ in range(3)]
        wait_until(lambda: bool(upstream.requests))
        upstream.gate.set()
        outputs = [process.communicate(timeout=60)[0] for process in processes]
        assert outputs == ["300000\n"] * 3
        assert sorted(upstream.requests) == ["/files/demo-1.0-py3-none-any.whl", "/simple/demo/"]


def test_a_killed_process_leaves_nothing_that_hinders(tmp_path: Path) -> None:
    with FakeUpstream() as upstream:
        offered = upstream.offer("demo", "1.0", content=b"x" * 300_000)
        upstream.file_gate.clear()
        process = start_process(upstream, tmp_path)
        wait_until(lambda: has_begun(tmp_path))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        upstream.file_gate.set()
        assert using(upstream, tmp_path, lambda mirror: download(mirror, "demo")) == offered.content
        assert litter(tmp_path) == []


def has_begun(directory: Path) -> bool:
    """Whether something unfinished has content; what is finished in between is gone by its old name."""
    for path in litter(directory):
        with suppress(FileNotFoundError):
            if Path(path).stat().st_size > 0:
                return True
    return False


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what another process or thread does."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_file_is_kept_and_served_when_the_index_is_gone(upstream: FakeUpstream, tmp_path: Path) -> None:
    offered = upstream.offer("demo", "1.0")
    assert using(upstream, tmp_path, lambda mirror: download(mirror, "demo")) == offered.content
    upstream.stop()
    clock = Clock()
    clock.ahead = 5000
    try:
        assert using(upstream, tmp_path, lambda mirror: download(mirror, "demo"), clock) == offered.content
    finally:
        upstream.start()


def test_files_flow_on_while_they_arrive(tmp_path: Path) -> None:
    with FakeUpstream() as upstream:
        upstream.offer("demo", "1.0", content=b"x" * 400_000)
        upstream.file_gate.clear()

        async def watch(mirror: Mirror) -> tuple[int, int]:
            file = (await files_of(mirror, "demo"))[0]
            before, after = 0, 0
            async for block in mirror.fetch_file("demo", file).blocks():
                if upstream.file_gate.is_set():
                    after += len(block)
                    continue
                before += len(block)
                if before == 199_999:
                    upstream.file_gate.set()
            return before, after

        # All but the last byte of what is there is sent on; the rest when it has been checked.
        assert using(upstream, tmp_path, watch) == (199_999, 200_001)


@pytest.mark.parametrize("lie", ["sha256", "md5", "size", "longer"])
def test_nobody_gets_all_of_a_file_that_is_not_what_was_promised(tmp_path: Path, lie: str) -> None:
    with FakeUpstream() as upstream:
        offered = upstream.offer("demo", "1.0", content=b"x" * 100_000)
        if lie in ("sha256", "md5"):
            offered.hashes = {lie: hashlib.new(lie, b"something else").hexdigest()}

        async def receive(mirror: Mirror) -> bytes:
            file = (await files_of(mirror, "demo"))[0]
            size = {"size": 100_001, "longer": 99_999}.get(lie, file.size)
            received = bytearray()
            try:
                async for block in mirror.fetch_file("demo", file._replace(size=size)).blocks():
                    received += block
            except HashMismatchError:
                return bytes(received)
            raise AssertionError("a whole file came")

        assert len(using(upstream, tmp_path, receive)) < 100_000
        assert not list(tmp_path.rglob("*.whl"))
        assert litter(tmp_path) == []


def test_what_cannot_be_checked_is_kept_with_a_warning_that_names_its_hash(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("pannier.server"), "propagate", True)
    with FakeUpstream() as upstream:
        offered = upstream.offer("demo", "1.0")
        digest = offered.hashes["sha256"]
        offered.hashes = {}
        assert using(upstream, tmp_path, lambda mirror: download(mirror, "demo")) == offered.content
    assert digest in caplog.text


def test_a_broken_line_is_picked_up_where_it_broke(upstream: FakeUpstream, tmp_path: Path) -> None:
    offered = upstream.offer("demo", "1.0", content=bytes(range(256)) * 1000)
    upstream.cut.add(offered.filename)
    assert using(upstream, tmp_path, lambda mirror: download(mirror, "demo")) == offered.content
    assert upstream.asked_for("/files/") == 2
    assert upstream.headers[-1]["range"].startswith("bytes=")


def test_a_host_that_cannot_continue_gives_no_file(upstream: FakeUpstream, tmp_path: Path) -> None:
    offered = upstream.offer("demo", "1.0", content=b"x" * 100_000)
    upstream.cut.add(offered.filename)
    upstream.ranges = False
    with pytest.raises(UpstreamUnavailableError):
        using(upstream, tmp_path, lambda mirror: download(mirror, "demo"))
    assert litter(tmp_path) == []
    # The next client starts afresh.
    assert using(upstream, tmp_path, lambda mirror: download(mirror, "demo")) == offered.content


def test_a_file_larger_than_allowed_is_not_kept(upstream: FakeUpstream, tmp_path: Path) -> None:
    upstream.offer("demo", "1.0", content=b"x" * 100_000)
    with pytest.raises(UpstreamUnavailableError, match="cannot answer"):
        using(upstream, tmp_path, lambda mirror: download(mirror, "demo"), file_limit=50_000)
    assert not list(tmp_path.rglob("*.whl"))


def test_a_page_larger_than_allowed_is_refused(upstream: FakeUpstream, tmp_path: Path) -> None:
    for number in range(50):
        upstream.offer("demo", f"1.{number}")
    with pytest.raises(UpstreamUnavailableError):
        using(upstream, tmp_path, lambda mirror: mirror.page("demo"), page_limit=1000)


@pytest.mark.parametrize("is_true", [True, False])
def test_metadata_is_checked_before_it_is_kept(upstream: FakeUpstream, tmp_path: Path, is_true: bool) -> None:
    offered = upstream.offer("demo", "1.0", metadata=b"Name: demo\n")
    if not is_true:
        offered.metadata_hash = "0" * 64

    async def fetch(mirror: Mirror) -> bytes:
        place = await mirror.fetch_beside("demo", (await files_of(mirror, "demo"))[0], "metadata")
        assert place is not None
        return place.read_bytes()

    if is_true:
        assert using(upstream, tmp_path, fetch) == b"Name: demo\n"
        upstream.stop()
        assert using(upstream, tmp_path, fetch) == b"Name: demo\n"
        upstream.start()
    else:
        with pytest.raises(HashMismatchError):
            using(upstream, tmp_path, fetch)
        assert not list(tmp_path.rglob("*.metadata"))


def test_credentials_go_to_the_index_and_to_nobody_else(tmp_path: Path) -> None:
    with FakeUpstream(credentials="anna:p@ss word") as index, FakeUpstream() as host:
        offered = host.offer("demo", "1.0")
        index.projects["demo"] = [offered]
        page = index.page("demo", "json").replace(
            b'"/files/', f'"http://127.0.0.1:{host.port}/files/'.encode()
        )
        index.page = lambda *_: page  # type: ignore[method-assign]
        url = index.simple.replace("http://", "http://anna:p%40ss%20word@")
        upstream = parse_upstream(url)
        assert "p@ss" not in repr(upstream)
        assert upstream.url == index.simple

        async def run() -> bytes:
            mirror = Mirror(UpstreamClient(upstream), UpstreamCache(tmp_path))
            try:
                return await download(mirror, "demo")
            finally:
                await mirror.close()

        assert asyncio.run(run()) == offered.content
        assert "authorization" in index.headers[0]
        assert all("authorization" not in headers for headers in host.headers)


def test_errors_tell_no_password(tmp_path: Path) -> None:
    with FakeUpstream(status=500) as index:
        url = index.simple.replace("http://", "http://anna:secret@")
        mirror = Mirror(UpstreamClient(parse_upstream(url)), UpstreamCache(tmp_path))
        with pytest.raises(UpstreamUnavailableError) as caught:
            asyncio.run(mirror.page("demo"))
        assert "secret" not in f"{caught.value} {caught.value.facts} {caught.value.__cause__!r}"


def test_files_of_another_project_are_not_the_projects(upstream: FakeUpstream, tmp_path: Path) -> None:
    stranger = Offered("other-99-py3-none-any.whl", b"hostile")
    upstream.offer("demo", "1.0")
    upstream.projects["demo"].append(stranger)

    async def find(mirror: Mirror) -> FileLink | None:
        await mirror.page("demo")
        key = file_key(FileLink(stranger.filename, "", stranger.hashes))
        return await mirror.find_file("demo", key, stranger.filename)

    assert using(upstream, tmp_path, find) is None


def test_a_dead_host_is_left_alone_for_a_while(tmp_path: Path) -> None:
    with FakeUpstream() as upstream:
        upstream.stop()
        clock = Clock()

        async def ask(mirror: Mirror) -> tuple[bool, bool, int]:
            for _ in range(3):
                with pytest.raises(UpstreamUnavailableError):
                    await mirror.page("demo")
            was_down = mirror.state.is_down
            upstream.start()
            upstream.offer("demo", "1.0")
            with pytest.raises(UpstreamUnavailableError):
                await mirror.page("demo")
            clock.ahead = 3
            found = await mirror.page("demo")
            assert found.page is not None
            return was_down, mirror.state.is_down, len(upstream.requests)

        assert using(upstream, tmp_path, ask, clock) == (True, False, 1)


def test_a_full_disk_withholds_no_page(upstream: FakeUpstream, tmp_path: Path) -> None:
    upstream.offer("demo", "1.0")
    (tmp_path / "pages").write_text("a file in the way of the directory")
    assert len(using(upstream, tmp_path, lambda mirror: files_of(mirror, "demo"))) == 1


def test_an_unusable_address_is_refused_without_repeating_it() -> None:
    for text in ("", "ftp://host/", "https://", "https://user:secret@host:port/", "host/simple"):
        with pytest.raises(Exception, match="named by an http or https URL") as caught:
            parse_upstream(text)
        assert "secret" not in str(caught.value)
    assert parse_upstream("https://host/simple").url == "https://host/simple/"
    assert isinstance(parse_upstream("http://[::1]:8080"), Upstream)


def test_the_cache_stays_below_its_limit(tmp_path: Path) -> None:
    with FakeUpstream() as upstream:
        for number in range(6):
            upstream.offer(f"demo{number}", "1.0", content=bytes([number]) * 100_000)
        clock = Clock()

        async def fetch_all() -> None:
            address = parse_upstream(upstream.simple)
            cache = UpstreamCache(tmp_path / "index")
            mirror = Mirror(UpstreamClient(address), cache, clock, size_limit=300_000)
            for number in range(6):
                clock.ahead += 61
                await download(mirror, f"demo{number}")
                file = (await files_of(mirror, f"demo{number}"))[0]
                await mirror.fetch_file(f"demo{number}", file).wait()
            while mirror._tasks:
                await asyncio.gather(*mirror._tasks.values())
            await mirror.close()

        asyncio.run(fetch_all())
        kept = sorted(path.name for path in tmp_path.rglob("*.whl"))
        assert "demo5-1.0-py3-none-any.whl" in kept
        assert "demo0-1.0-py3-none-any.whl" not in kept
        assert len(kept) <= 3

"""A server over ssh: asked what it is, sent a file, which goes on where an earlier try broke off."""

import json
import os
import platform
from pathlib import Path

import pytest
from tests.end_to_end.ssh_server import SshServer, ssh_server, why_no_sshd

from pannier.model.errors import FetchError
from pannier.model.events import SilentReporter, Stage
from pannier.site.servers import Server, ask_inventory, look_at, send

pytestmark = pytest.mark.skipif(bool(why_no_sshd()), reason=why_no_sshd())


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory):
    return tmp_path_factory.mktemp("home of a user")


@pytest.fixture(name="reached", scope="module")
def _reached(tmp_path_factory, home):
    with ssh_server(tmp_path_factory.mktemp("sshd"), home, os.environ["PATH"]) as running:
        yield running


def _server(reached: SshServer) -> Server:
    return Server.parse(reached.destination, reached.command)


class Counting(SilentReporter):
    """Adds up what was sent."""

    def __init__(self) -> None:
        self.sent: list[int] = []

    def advance(self, stage: Stage, amount: int, item: str) -> None:
        self.sent.append(amount)


def test_a_server_without_a_site_has_no_inventory(reached, tmp_path):
    assert ask_inventory(_server(reached), f"{tmp_path}/nothing here") == b""


def test_a_server_without_a_site_says_what_machine_it_is(reached):
    found = json.loads(look_at(_server(reached), "/opt/site"))
    assert found["platform"].startswith(f"linux-{platform.machine()}-")
    assert found["wheels"] == []
    assert found["prefix"] == "/opt/site"
    minor = f"{platform.python_version_tuple()[0]}.{platform.python_version_tuple()[1]}"
    assert found["pythons"][minor]["version"].startswith(minor)


def test_a_file_arrives_as_it_was(reached, home, tmp_path):
    source = tmp_path / "site.run"
    source.write_bytes(os.urandom(3_000_000))
    path = send(_server(reached), source, "site-one.run", SilentReporter())
    assert Path(path).read_bytes() == source.read_bytes()
    assert Path(path).parent == home / ".cache/pannier/sites"
    assert not list(Path(path).parent.glob("*.partial"))


@pytest.mark.parametrize("name", ["site-two.run.partial", "site-two.run"])
def test_what_has_arrived_is_not_sent_again(reached, home, tmp_path, name):
    source = tmp_path / "site.run"
    source.write_bytes(os.urandom(3_000_000))
    waiting = home / ".cache/pannier/sites"
    waiting.mkdir(parents=True, exist_ok=True)
    (waiting / name).write_bytes(source.read_bytes()[:2_000_000])
    heard = Counting()
    path = send(_server(reached), source, "site-two.run", heard)
    assert Path(path).read_bytes() == source.read_bytes()
    assert heard.sent[0] == 2_000_000
    assert sum(heard.sent) == 3_000_000


def test_what_is_not_its_beginning_is_sent_whole(reached, home, tmp_path):
    source = tmp_path / "site.run"
    source.write_bytes(os.urandom(100_000))
    waiting = home / ".cache/pannier/sites"
    waiting.mkdir(parents=True, exist_ok=True)
    (waiting / "site-three.run.partial").write_bytes(os.urandom(50_000))
    path = send(_server(reached), source, "site-three.run", SilentReporter())
    assert Path(path).read_bytes() == source.read_bytes()


def test_a_server_that_is_not_there_is_named(tmp_path):
    server = Server.parse("nobody@127.0.0.1", "ssh -F none -p 1 -o BatchMode=yes")
    with pytest.raises(FetchError) as caught:
        ask_inventory(server, "/opt/site")
    assert caught.value.code == "site-unreachable"
    assert "refused" in str(caught.value.facts["it says"])

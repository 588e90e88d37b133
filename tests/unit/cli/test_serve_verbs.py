"""The verbs that look after an index, on a directory of real files."""

import json
import tomllib
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.local_index import wheel_bytes

from pannier.cli.main import main
from pannier.formats.htpasswd import check_password, parse_htpasswd


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "packages"
    directory.mkdir()
    for name, data in (wheel_bytes("demo", "1.0"), wheel_bytes("demo", "2.0"), wheel_bytes("other", "1.0")):
        (directory / name).write_bytes(data)
    (tmp_path / "pannier.toml").write_text('[serve]\ndirectories = ["packages"]\n')
    monkeypatch.chdir(tmp_path)
    return directory


def result_of(capsys: pytest.CaptureFixture[str], *words: str) -> Mapping[str, Any]:
    assert main([*words, "--json"]) == 0
    result: Mapping[str, Any] = json.loads(capsys.readouterr().out)["result"]
    return result


def failure_of(capsys: pytest.CaptureFixture[str], *words: str, status: int = 1) -> str:
    assert main([*words, "--json"]) == status
    return str(json.loads(capsys.readouterr().out)["error"]["code"])


def names_in(packages: Path) -> list[str]:
    return sorted(path.name for path in packages.iterdir() if not path.name.startswith("."))


def test_yanking_and_taking_it_back(packages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = "demo-1.0-py3-none-any.whl"
    done = result_of(capsys, "serve", "yank", "Demo==1.0.0", "--reason", "loses\ndata")
    assert done == {"files": [wheel], "yanked": True}
    assert (packages / f"{wheel}.yanked").read_text() == "loses data"
    assert result_of(capsys, "serve", "yank", wheel, "--undo") == {"files": [wheel], "yanked": False}
    assert not (packages / f"{wheel}.yanked").exists()
    actions = [json.loads(line)["action"] for line in (packages / ".pannier/audit.jsonl").open()]
    assert actions == ["yank", "unyank"]


def test_removing_says_first_what_it_would_remove(packages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = names_in(packages)
    done = result_of(capsys, "serve", "remove", "demo", "other==1", "--dry-run")
    assert len(done["files"]) == 3
    assert names_in(packages) == before
    assert main(["serve", "remove", "demo==2.0"]) == 0
    assert capsys.readouterr().err == "1 file removed: demo-2.0-py3-none-any.whl\n"
    assert "demo-2.0-py3-none-any.whl" not in names_in(packages)


def test_nothing_is_changed_where_something_is_not_there(
    packages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = names_in(packages)
    assert failure_of(capsys, "serve", "remove", "demo==1.0", "demo==9") == "no-such-release"
    assert failure_of(capsys, "serve", "yank", "nothing") == "no-such-release"
    for wrong in ("demo==", "==1", "../demo", ""):
        assert failure_of(capsys, "serve", "remove", wrong, status=2) == "usage"
    assert names_in(packages) == before


def test_a_status_is_set_beside_what_is_there(packages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = packages / ".pannier"
    own.mkdir()
    (own / "projects.toml").write_text('[Demo]\ntracks = ["https://index.example/demo/"]\n')
    done = result_of(capsys, "serve", "status", "demo", "archived", "--reason", "use\nother")
    assert done == {"project": "demo", "status": "archived", "reason": "use other", "present": True}
    said = tomllib.loads((own / "projects.toml").read_text())
    assert said["Demo"] == {
        "tracks": ["https://index.example/demo/"],
        "status": "archived",
        "status-reason": "use other",
    }
    result_of(capsys, "serve", "status", "demo", "active")
    assert "status-reason" not in (own / "projects.toml").read_text()
    assert failure_of(capsys, "serve", "status", "demo", "tired", status=2)
    assert failure_of(capsys, "serve", "status", "../demo", "active", status=2)
    (own / "projects.toml").write_text("[")
    assert failure_of(capsys, "serve", "status", "demo", "active") == "settings-invalid"


def test_a_token_is_made_listed_and_revoked(packages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "token", "create", "ci", "--project", "Demo_*", "--expires", "90d"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("pannier-")
    assert "not shown again" in printed.err
    second = result_of(capsys, "serve", "token", "create", "ci", "--name", "mine", "--may", "upload")
    assert second["token"]["may"] == ["update"]
    listed = result_of(capsys, "serve", "token", "list")["tokens"]
    assert [(token["name"], token["projects"]) for token in listed] == [("ci-1", ["demo-*"]), ("mine", ["*"])]
    assert printed.out.strip() not in (packages / ".pannier/tokens.json").read_text()
    assert main(["serve", "token", "list"]) == 0
    assert "demo-*" in capsys.readouterr().out
    assert result_of(capsys, "serve", "token", "revoke", "mine")["token"]["name"] == "mine"
    assert failure_of(capsys, "serve", "token", "revoke", "mine", status=2) == "no-such-token"


@pytest.mark.parametrize(
    "words",
    [
        ["create"],
        ["revoke"],
        ["list", "x"],
        ["list", "--name", "x"],
        ["create", "a:b"],
        ["create", "ci", "--may", "fly"],
        ["create", "ci", "--expires", "soon"],
    ],
)
def test_what_tokens_cannot_be_asked_is_refused(
    packages: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    failure_of(capsys, "serve", "token", *words, status=2)
    assert not (packages / ".pannier/tokens.json").exists()


def test_a_token_is_for_a_user_there_is(packages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    passwords = packages.parent / "htpasswd"
    passwords.write_text("alice:{SHA}x\n")
    (packages.parent / "pannier.toml").write_text(
        '[serve]\ndirectories = ["packages"]\nhtpasswd = "htpasswd"\n'
    )
    failure_of(capsys, "serve", "token", "create", "bob", status=2)
    assert main(["serve", "token", "create", "alice"]) == 0


def test_a_password_is_set_and_other_lines_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "htpasswd"
    path.write_text("# people\nbob:{SHA}x\n")
    path.chmod(0o600)
    for is_new, password in ((True, "first password"), (False, "second password")):
        monkeypatch.setattr("sys.stdin", StringIO(f"{password}\n"))
        assert result_of(capsys, "serve", "passwd", str(path), "alice")["is_new"] is is_new
        assert check_password(password, parse_htpasswd(path.read_text()).hashes["alice"])
    assert path.read_text().startswith("# people\nbob:{SHA}x\nalice:$2b$")
    assert path.stat().st_mode & 0o777 == 0o600
    for user, password in (("alice", "short"), ("a:b", "long enough"), ("__token__", "long enough")):
        monkeypatch.setattr("sys.stdin", StringIO(f"{password}\n"))
        failure_of(capsys, "serve", "passwd", str(path), user, status=2)


def test_a_misspelt_second_word_is_no_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "yankk"]) == 2
    assert "hint: did you mean `yank`?" in capsys.readouterr().err


def test_the_status_of_a_project_that_is_not_there_is_told_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "status", "dmeo", "quarantined", "-d", str(tmp_path)]) == 0
    assert capsys.readouterr().err == "dmeo is quarantined; the index has no project of that name yet\n"

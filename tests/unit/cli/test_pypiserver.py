"""A command line of pypiserver's becomes ours."""

import pytest

from pannier.cli.main import parse_command
from pannier.cli.pypiserver import migrate
from pannier.model.errors import UsageError

OURS = "pannier serve --host 0.0.0.0 --port 8080"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("pypi-server run packages", f"{OURS} packages"),
        ("run -p 80 -i 127.0.0.1 a 'b c'", "pannier serve --host 127.0.0.1 --port 80 a 'b c'"),
        ("-P .htpasswd packages", f"{OURS} --htpasswd .htpasswd packages"),
        ("run -a . -P . x", f"{OURS} --authenticate . x"),
        (
            "/usr/bin/pypi-server run -a 'Update, Download,list' -P users -o x",
            f"{OURS} --htpasswd users --authenticate update,remove,download,list --overwrite x",
        ),
        (
            "run --server-base-url /pypi --log-file a.log -vv",
            f"{OURS} --log-file a.log --log-level debug --prefix /pypi ~/packages",
        ),
        (
            "run --fallback-url https://index.example/simple/ x",
            f"{OURS} --upstream https://index.example/simple/ x",
        ),
    ],
)
def test_options_are_translated(theirs: str, ours: str) -> None:
    command = migrate(theirs).command
    assert command == ours
    parse_command("serve", command.split()[2:])


def test_what_is_left_out_is_said() -> None:
    notes = migrate("run --disable-fallback --server gunicorn --backend auto --hash-algo md5 packages").notes
    assert [note.split()[0] for note in notes] == ["--server", "--backend", "--hash-algo"]
    assert "--upstream" in migrate("run packages").notes[0]


@pytest.mark.parametrize("text", ["run --no-such-option", "run 'unclosed", "run -p"])
def test_what_is_no_command_line_of_pypiserver_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        migrate(text)

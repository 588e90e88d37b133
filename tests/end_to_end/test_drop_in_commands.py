"""The drop-in commands, by the exact argvs that the manual, Parsl, Work Queue and TaskVine use."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.end_to_end.commands import MINOR, PATCH, Commands

HI = """\
import os
import sys
import pickle

import antigravity
import matplotlib

if __name__ == "__main__":
    print("hello from matplotlib", matplotlib.__version__)
"""

# What a Work Queue executor ships with each task: it unpickles a function and calls it.
RUNNER = """\
import pickle
import sys


def load(path):
    import cloudpickle

    with open(path, "rb") as stream:
        return cloudpickle.load(stream)


if __name__ == "__main__":
    print(load(sys.argv[1])())
"""

FUNCTION = """\
@python_app
def area(radius):
    import attr
    return attr.__name__, radius
"""


@pytest.fixture(scope="module")
def small_spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spec") / "spec.json"
    path.write_text(
        json.dumps({"channels": [], "dependencies": [f"python={MINOR}", "pip", {"pip": ["cloudpickle"]}]})
    )
    return path


@pytest.fixture(scope="module")
def small_pack(
    small_spec: Path, pannier_bin: Path, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    directory = tmp_path_factory.mktemp("pack")
    commands = Commands(bin=pannier_bin, home=directory, cache=shared_cache, directory=directory)
    commands.run("python_package_create", small_spec, "env.tar.gz")
    return directory / "env.tar.gz"


@pytest.mark.network
def test_the_manuals_example_goes_through_all_three_commands(commands: Commands) -> None:
    commands.script("hi.py", HI)
    commands.run("python_package_analyze", "hi.py", "package.json")
    spec = json.loads((commands.directory / "package.json").read_text())
    assert set(spec) == {"channels", "dependencies"}
    pip = [entry["pip"] for entry in spec["dependencies"] if isinstance(entry, dict)]
    assert [requirement.partition("==")[0] for requirement in pip[0]] == ["matplotlib"]
    assert any(str(entry).startswith("python=") for entry in spec["dependencies"])

    commands.run("python_package_create", "package.json", "env.tar.gz")
    ran = commands.run("python_package_run", "env.tar.gz", "python3", "hi.py", env={"BROWSER": "true"})
    assert ran.stdout.startswith("hello from matplotlib ")


@pytest.mark.network
def test_the_sequence_of_parsls_work_queue_executor(commands: Commands) -> None:
    commands.script("exec_runner.py", RUNNER)
    for name in ("one.yaml", "two.yaml"):
        commands.run(
            "python_package_analyze",
            "exec_runner.py",
            "-",
            name,
            "--extra-pkg",
            "cloudpickle",
            stdin=FUNCTION,
        )
    one, two = ((commands.directory / name).read_bytes() for name in ("one.yaml", "two.yaml"))
    assert one == two, "the digest of the spec is Parsl's cache key"
    text = one.decode()
    assert "attrs" in text
    assert "cloudpickle" in text
    assert str(commands.directory) not in text

    commands.run("python_package_create", "one.yaml", "one.tar.gz")
    sandbox = commands.directory / "sandbox"
    sandbox.mkdir()
    shutil.copy(commands.directory / "one.tar.gz", sandbox)
    shutil.copy(commands.bin / "python_package_run", sandbox)
    ran = commands.run(
        "./python_package_run",
        "-e",
        "one.tar.gz",
        "python",
        "-c",
        "import attr, cloudpickle; print('in')",
        cwd=sandbox,
    )
    assert ran.stdout == "in\n"


@pytest.mark.network
def test_the_sequence_of_taskvines_mini_task(commands: Commands, small_pack: Path) -> None:
    sandbox = commands.directory / "sand box"
    sandbox.mkdir()
    shutil.copy(small_pack, sandbox / "package.tar.gz")
    shell = "mkdir output && tar xf package.tar.gz -C output && output/bin/run_in_env"
    subprocess.run(["sh", "-c", shell], cwd=sandbox, env=commands.environment(), check=True)
    task = commands.directory / "task"
    task.mkdir()
    (task / "package").symlink_to(sandbox / "output")
    code = "import cloudpickle, os, sys; print(os.environ['PONCHO_PREFIX'] != '', sys.argv[1])"
    ran = commands.run("package/bin/run_in_env", "python", "-c", code, "odd * arg", cwd=task)
    assert ran.stdout == "True odd * arg\n"


@pytest.mark.network
def test_a_task_of_work_queue_unpacks_into_the_workers_sandbox(commands: Commands, small_pack: Path) -> None:
    sandbox = commands.directory / "worker"
    sandbox.mkdir()
    shutil.copy(small_pack, sandbox / "T")
    shutil.copy(commands.bin / "poncho_package_run", sandbox)
    unpack = './poncho_package_run -e T --unpack-to "$WORK_QUEUE_SANDBOX"/T-env'
    shell = unpack + ' python -c "import cloudpickle; print(42)"'
    for _ in range(2):
        ran = commands.run("sh", "-c", shell, cwd=sandbox, env={"WORK_QUEUE_SANDBOX": str(sandbox)})
        assert ran.stdout == "42\n"
    assert (sandbox / "T-env" / "bin" / "python").exists()


@pytest.mark.network
def test_the_factorys_wrapper_form(commands: Commands, small_pack: Path) -> None:
    shutil.copy(small_pack, commands.directory / "env.tar.gz")
    shutil.copy(commands.bin / "poncho_package_run", commands.directory)
    ran = commands.run(
        "./poncho_package_run", "-e", "env.tar.gz", "--", "python", "-c", "import sys; sys.exit(7)", status=7
    )
    assert ran.stdout == ""


@pytest.mark.network
def test_taskvine_packs_a_whole_environment_by_its_prefix(commands: Commands) -> None:
    uv = commands.bin / "uv"
    prefix = commands.directory / "venv"
    commands.run(uv, "venv", "-q", prefix)
    commands.run(uv, "pip", "install", "-q", "--python", prefix / "bin" / "python", "attrs==25.3.0", "six")
    before = sorted(path.relative_to(prefix) for path in prefix.rglob("*"))
    commands.run("poncho_package_create", prefix, "whole.tar.gz")
    assert sorted(path.relative_to(prefix) for path in prefix.rglob("*")) == before
    ran = commands.run(
        "python_package_run", "whole.tar.gz", "python", "-c", "import attr, six; print(attr.__version__)"
    )
    assert ran.stdout == "25.3.0\n"


@pytest.mark.parametrize(
    "spec",
    [
        {"python": MINOR, "modules": ["six"]},
        {
            "name": "base",
            "channels": ["conda-forge"],
            "dependencies": [
                f"python={PATCH}=hab00c5b_0_cpython",
                "pip=23.3=pyhd8ed1ab_0",
                {"pip": ["six==1.17.0"]},
            ],
            "prefix": "/home/someone/conda",
        },
        {"conda": [f"conda-forge::python={MINOR}", "pip"], "pip": ["six"]},
        {"conda": {"channels": ["conda-forge"], "packages": [f"python={MINOR}", "pip"]}, "pip": ["six"]},
        {
            "conda": {
                "channels": ["conda-forge"],
                "dependencies": [f"python={MINOR}", "pip", {"pip": ["six"]}],
            }
        },
        {"conda": {"channels": [], "dependencies": [f"python={MINOR}"]}, "pip": ["six"]},
    ],
    ids=["D0", "D1", "D2", "D3", "D4", "D3-D4"],
)
@pytest.mark.network
def test_create_reads_every_dialect(commands: Commands, spec: object) -> None:
    commands.script("spec.json", json.dumps(spec))
    commands.run("python_package_create", "spec.json", "env.tar.gz")
    ran = commands.run("python_package_run", "env.tar.gz", "python", "-c", "import six; print('six')")
    assert ran.stdout == "six\n"


@pytest.mark.parametrize(
    "text",
    [
        '{"dependencies": ["python=3.11"], "colour": 1, "shape": 2}',
        "{}",
        '{"name": "x"}',
        "[1, 2]",
        "{not json",
    ],
)
def test_create_refuses_what_it_does_not_understand(commands: Commands, text: str) -> None:
    commands.script("spec.json", text)
    refused = commands.run("python_package_create", "spec.json", "env.tar.gz", status=1)
    assert refused.stderr.startswith("error: ")
    assert "Traceback" not in refused.stderr
    if "colour" in text:
        assert "colour" in refused.stderr
        assert "shape" in refused.stderr
    assert sorted(path.name for path in commands.directory.iterdir()) == ["spec.json"]


def test_a_failing_analysis_leaves_the_old_spec_alone(commands: Commands) -> None:
    commands.script("broken.py", "import os\ndef f(:\n")
    out = commands.script("spec.json", "old")
    refused = commands.run("python_package_analyze", "broken.py", "spec.json", status=1)
    assert "broken.py:2" in refused.stderr
    assert out.read_text() == "old"


def test_unknown_imports_are_refused_all_at_once_with_their_places(commands: Commands) -> None:
    commands.script("one.py", "import qqq_unknown_one\nimport json\nimport qqq_unknown_two\n")
    refused = commands.run("python_package_analyze", "one.py", "spec.json", status=1)
    assert "qqq_unknown_one" in refused.stderr
    assert "one.py:1" in refused.stderr
    assert "qqq_unknown_two" in refused.stderr
    assert "one.py:3" in refused.stderr
    assert not (commands.directory / "spec.json").exists()


def test_analysis_reads_stdin_and_writes_stdout(commands: Commands) -> None:
    printed = commands.run("python_package_analyze", "-", "-", stdin="import yaml\n")
    assert "PyYAML" in printed.stdout
    assert json.loads(printed.stdout)["dependencies"]


def test_analysis_executes_nothing(commands: Commands) -> None:
    commands.script("side.py", "import pathlib\npathlib.Path('ran').touch()\n")
    commands.script("main.py", "import side\n__import__('side')\n")
    commands.run("python_package_analyze", "main.py", "spec.json")
    assert not (commands.directory / "ran").exists()

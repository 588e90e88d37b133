import ast
import os
from pathlib import Path

import pytest
from tests.unit.runtime.pack_building import RUNTIME

from pannier.runtime.errors import ArchiveError
from pannier.runtime.zipapp import first_start, pruning

HERE = (os.uname().sysname.lower(), os.uname().machine)


@pytest.mark.parametrize(
    "platform", [(*HERE, "any", "0"), ("any", "any", "any", "0"), (*HERE, "glibc", "2.5")]
)
def test_a_machine_that_fits_is_taken(platform: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_start, "_find_libc", lambda: ("glibc", "2.17"))
    first_start._check_machine({"platform": platform})


@pytest.mark.parametrize(
    "platform",
    [
        (*HERE, "glibc", "2.18"),
        (*HERE, "glibc", "10.0"),
        (*HERE, "musl", "1.1"),
        (HERE[0], "vax", "any", "0"),
    ],
)
def test_a_machine_that_does_not_fit_is_refused_with_both_sides(
    platform: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_start, "_find_libc", lambda: ("glibc", "2.17"))
    with pytest.raises(ArchiveError) as caught:
        first_start._check_machine({"platform": platform})
    line = first_start.format_line("tool.pyz", caught.value)
    assert (line.count("\n"), caught.value.code) == (1, "target-mismatch")
    assert "glibc 2.17" in line


def test_an_error_stays_one_line_whatever_is_in_it() -> None:
    error = ArchiveError("it\nis", "storage", {"file": "a\nb\x1b"}, "do\rit")
    line = first_start.format_line("x\ny.pyz", error)
    assert line.count("\n") == 1
    assert "\x1b" not in line
    assert "\r" not in line


@pytest.mark.parametrize(
    ("text", "days"), [("", 30), ("7", 7), ("0", 0), ("-1", 30), ("soon", 30), ("1e9", 30)]
)
def test_days_are_a_plain_number(text: str, days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANNIER_KEEP_DAYS", text)
    assert pruning._days() == days


def test_prefixes_that_no_pyz_started_are_never_pruned(tmp_path: Path) -> None:
    prefix = tmp_path / ("a" * 64)
    (prefix / ".pannier").mkdir(parents=True)
    (prefix / ".pannier/head").write_bytes(b"\npannier-pack 1 x\nname tool\nend\n")
    pruning.prune(str(tmp_path), "b" * 64, "tool")
    assert prefix.is_dir()
    (prefix / ".pannier/used").touch()
    os.utime(prefix / ".pannier/used", (0, 0))
    pruning.prune(str(tmp_path), "b" * 64, "another tool")
    assert prefix.is_dir()
    pruning.prune(str(tmp_path), "b" * 64, "tool")
    assert not prefix.exists()


@pytest.mark.parametrize("path", sorted((RUNTIME / "zipapp").glob("*.py")), ids=lambda path: path.name)
def test_it_is_written_in_the_python_of_3_6(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 6))

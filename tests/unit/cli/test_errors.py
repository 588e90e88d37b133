"""The one renderer of errors, pinned line by line."""

import errno
import io
import json
import sys

import pytest

from pannier.cli import errors
from pannier.cli.envelope import format_failure
from pannier.cli.render import Style
from pannier.model.errors import NoCompatibleWheelError, PannierError, UsageError

TAGS = [f"cp313-cp313-manylinux_2_{minor}_x86_64" for minor in (17, 28, 34, 39)]


def test_an_error_is_a_sentence_facts_a_hint_and_a_code() -> None:
    error = NoCompatibleWheelError(
        "no wheel of `pandas` 2.2.3 fits the target `linux-aarch64 / cp313`",
        facts={
            "offered": ["cp313-a", "cp313-b", "cp313-c", "cp313-d", "cp313-e"],
            "wanted": "any of 212 tags",
        },
        hint="allow building it from its sdist, or drop the target",
    )
    assert errors.render_error(error) == (
        "error: no wheel of `pandas` 2.2.3 fits the target `linux-aarch64 / cp313`\n"
        "  offered: cp313-a, cp313-b, cp313-c (+ 2 others)\n"
        "  wanted:  any of 212 tags\n"
        "hint: allow building it from its sdist, or drop the target\n"
        "code: no-compatible-wheel\n"
    )


def test_names_in_backticks_take_no_colon_and_values_stand_below_each_other() -> None:
    error = PannierError(
        "2 imports have no known project",
        code="unknown-import",
        facts={"`cv2`": ["src/app/vision.py:4", "src/app/io.py:11"], "`acme_db`": ["src/app/store.py:2"]},
        hint="name the project for each, for example `--pkg-mapping cv2=opencv-python`",
    )
    assert errors.render_error(error) == (
        "error: 2 imports have no known project\n"
        "  `cv2`     src/app/vision.py:4, src/app/io.py:11\n"
        "  `acme_db` src/app/store.py:2\n"
        "hint: name the project for each, for example `--pkg-mapping cv2=opencv-python`\n"
        "code: unknown-import\n"
    )


def test_a_list_too_long_for_one_line_has_a_line_for_each_item() -> None:
    error = PannierError("no", code="x", facts={"offered": TAGS, "why": "two\nlines"})
    assert errors.render_error(error) == (
        "error: no\n"
        "  offered: cp313-cp313-manylinux_2_17_x86_64\n"
        "           cp313-cp313-manylinux_2_28_x86_64\n"
        "           cp313-cp313-manylinux_2_34_x86_64\n"
        "           (+ 1 other)\n"
        "  why:     two\n"
        "           lines\n"
        "code: x\n"
    )


def test_verbose_leaves_nothing_out() -> None:
    shown = errors.render_error(PannierError("no", facts={"tags": TAGS}), verbose=True)
    assert all(tag in shown for tag in TAGS)
    assert "other" not in shown


def test_colour_marks_the_labels_only() -> None:
    shown = errors.render_error(PannierError("no", code="x", hint="h"), Style(colour=True))
    assert shown == "\x1b[1;31merror:\x1b[0m no\n\x1b[32mhint:\x1b[0m h\n\x1b[2mcode: x\x1b[0m\n"


def test_passwords_in_urls_are_never_shown() -> None:
    error = PannierError(
        "`https://me:secret@index.example/simple` did not answer",
        facts={"index": "https://me:secret@index.example", "all": ["http://tok-secret@x/y"]},
        hint="try https://me:secret@index.example",
    )
    for shown in (errors.render_error(error), format_failure("lock", error, [])):
        assert "secret" not in shown
        assert "index.example" in shown


def test_control_characters_do_not_reach_the_terminal() -> None:
    shown = errors.render_error(PannierError("a\x1b[2Jb\x07", facts={"x": "\udc80\x9b1m"}))
    assert shown == "error: a\\x1b[2Jb\\x07\n  x: \\udc80\\x9b1m\ncode: error\n"


def test_json_has_the_same_fields_with_whole_lists() -> None:
    error = PannierError("no", code="x", facts={"tags": TAGS, "why": "because"}, hint="h")
    assert json.loads(format_failure("lock", error, [])) == {
        "version": 1,
        "command": "lock",
        "ok": False,
        "error": {"code": "x", "message": "no", "facts": {"tags": TAGS, "why": "because"}, "hint": "h"},
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOENT, "no-such-file"),
        (errno.EACCES, "permission-denied"),
        (errno.EISDIR, "is-a-directory"),
        (errno.ENOTDIR, "not-a-directory"),
        (errno.ENOSPC, "disk-full"),
        (errno.EROFS, "read-only"),
        (errno.EEXIST, "file-exists"),
        (errno.ENAMETOOLONG, "name-too-long"),
        (errno.EIO, "system-error"),
    ],
)
def test_system_errors_become_ours_and_name_the_file(number: int, code: str) -> None:
    error = errors.from_system_error(OSError(number, "words", "some/file"))
    assert error.code == code
    assert "some/file" in errors.render_error(error)
    assert error.exit_status == 1


def test_a_system_error_may_name_a_file_in_braces_or_bytes_or_none() -> None:
    assert "`{name}`" in errors.from_system_error(OSError(errno.ENOENT, "words", "{name}")).message
    assert "`x`" in errors.from_system_error(OSError(errno.ENOENT, "words", b"x")).message
    assert "something it needs" in errors.from_system_error(OSError(errno.ENOENT, "words")).message
    assert errors.from_system_error(TimeoutError()).facts == {"system": "TimeoutError"}


def guarded(raised: BaseException, environ: dict[str, str] | None = None) -> tuple[int, list[PannierError]]:
    shown: list[PannierError] = []

    def act() -> int:
        raise raised

    return errors.guard(act, shown.append, argv=["pannier", "pack", "a b"], environ=environ or {}), shown


def test_what_is_raised_decides_the_exit_status() -> None:
    assert guarded(PannierError("x"))[0] == 1
    assert guarded(UsageError("x"))[0] == 2
    assert guarded(FileNotFoundError(errno.ENOENT, "no", "x"))[0] == 1
    assert guarded(SystemExit(0))[0] == 0
    assert guarded(KeyboardInterrupt()) == (130, [])


def test_a_closed_pipe_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert guarded(BrokenPipeError()) == (141, [])


def test_a_defect_is_reported_with_what_its_authors_need(monkeypatch: pytest.MonkeyPatch) -> None:
    status, (error,) = guarded(ZeroDivisionError("division by zero"))
    assert status == 70
    shown = errors.render_error(error)
    assert "ZeroDivisionError: division by zero" in shown
    assert "pannier pack 'a b'" in shown
    assert "pannier 0." in shown
    assert "PANNIER_TRACEBACK=1" in shown
    assert "Traceback" not in shown


def test_the_traceback_comes_when_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(ZeroDivisionError("x"), {"PANNIER_TRACEBACK": "1"})
    assert "Traceback (most recent call last)" in capsys.readouterr().err

"""The one renderer of errors, pinned line by line."""

import errno
import json

import pytest

from pannier.cli import errors
from pannier.cli.envelope import format_failure
from pannier.cli.render import Style
from pannier.model.errors import NoCompatibleWheelError, PannierError

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

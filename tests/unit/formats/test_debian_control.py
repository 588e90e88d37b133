import pytest

from pannier.formats.ar import AR_MAGIC, ar_padding, format_ar_header
from pannier.formats.debian_control import (
    CopyrightPart,
    debian_architecture,
    format_changelog,
    format_control,
    format_copyright,
    format_description,
    is_maintainer,
    package_name,
    synopsis_of,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Greet_Tool", "greet-tool"),
        ("a.b+c", "a.b+c"),
        ("x", ""),
        ("--", ""),
        ("größe", "gr-e"),
        ("-ab", "ab"),
    ],
)
def test_a_name_becomes_one_that_a_package_may_have(name: str, expected: str) -> None:
    assert package_name(name) == expected


def test_a_control_paragraph_folds_lines_and_leaves_out_what_is_empty() -> None:
    fields = {"Package": "x", "Homepage": "", "Description": "short\nfirst\n\nsecond"}
    assert format_control(fields) == b"Package: x\nDescription: short\n first\n .\n second\n"


def test_a_synopsis_has_no_article_no_period_and_one_line() -> None:
    assert synopsis_of("A greeter of\nthe world.") == "greeter of the world"
    assert len(synopsis_of("word " * 50)) <= 79
    assert synopsis_of("word " * 50).endswith("word...")


def test_a_description_has_paragraphs_of_short_lines() -> None:
    lines = format_description("short", ["one " * 40, "two"]).splitlines()
    assert lines[0] == "short"
    assert lines[-2:] == ["", "two"]
    assert max(map(len, lines)) <= 76


def test_a_changelog_has_its_date_in_utc() -> None:
    text = format_changelog("x", "1.0-1", "Jane Doe <j@example.org>", 86400, ["First."])
    assert text == (
        b"x (1.0-1) unstable; urgency=medium\n\n  * First.\n\n"
        b" -- Jane Doe <j@example.org>  Fri, 02 Jan 1970 00:00:00 +0000\n"
    )


def test_a_copyright_file_keeps_the_empty_lines_of_licences() -> None:
    part = CopyrightPart(("*",), ("Jane",), "MIT", "one\n\ntwo")
    text = format_copyright("x", "", [part]).decode()
    assert "Files: *\nCopyright: Jane\nLicense: MIT\n one\n .\n two\n" in text
    assert "Source" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Jane Doe <j@example.org>", True), ("j@example.org", False), ("Jane <nobody>", False), ("", False)],
)
def test_a_maintainer_has_a_name_and_an_address(text: str, expected: bool) -> None:
    assert is_maintainer(text) is expected


def test_debian_has_names_of_its_own_for_architectures() -> None:
    assert (debian_architecture("x86_64"), debian_architecture("aarch64")) == ("amd64", "arm64")
    assert debian_architecture("vax") == ""


def test_an_ar_header_has_sixty_bytes_and_contents_lie_at_even_places() -> None:
    header = format_ar_header("control.tar.xz", 7, 86400)
    assert AR_MAGIC == b"!<arch>\n"
    assert header == b"control.tar.xz  86400       0     0     100644  7         `\n"
    assert (ar_padding(7), ar_padding(8)) == (b"\n", b"")
    with pytest.raises(ValueError, match="seventeen-letters"):
        format_ar_header("seventeen-letters", 0, 0)

from pannier.formats.man_pages import ManOption, format_man_page


def page(**changes: object) -> str:
    values: dict[str, object] = {
        "package": "tool",
        "version": "1.0",
        "date": "2026-01-31",
        "summary": "greets people",
        "description": ["It greets."],
        **changes,
    }
    return format_man_page("tool", **values).decode()  # type: ignore[arg-type]


def test_a_page_has_the_sections_that_readers_expect() -> None:
    text = page(options=[ManOption("-n, --times N", "how often")], homepage="https://example.org")
    assert text.startswith('.TH "TOOL" 1 "2026\\-01\\-31" "tool 1.0" "User Commands"\n')
    order = [text.index(f".SH {name}") for name in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SEE ALSO")]
    assert order == sorted(order)
    assert ".TP\n.B \\-n, \\-\\-times N\nhow often\n" in text


def test_what_roff_would_read_as_a_request_is_text() -> None:
    text = page(description=[".so /etc/passwd\nback\\slash\n'quoted"])
    assert "\n\\&.so /etc/passwd\nback\\eslash\n\\&'quoted\n" in text


def test_without_known_options_the_reader_is_sent_to_help() -> None:
    assert "\\-\\-help" in page()

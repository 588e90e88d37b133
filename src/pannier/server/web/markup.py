"""A project's description as safe HTML.

`readme_renderer` renders and sanitises, as the public index does. Beyond that, nothing of our pages loads
from elsewhere or leads where its author did not mean: images become text, relative links plain words.
"""

import re
from html import escape
from html.parser import HTMLParser

# What headings have for scripts to show.
_EMPTY_ANCHOR = re.compile(r'<a href="#[^"]*"[^>]*></a>')
_ANCHORS = ("id", "name")
_VOID = frozenset(("br", "hr", "col", "wbr", "input"))


def render_markup(text: str, content_type: str) -> str:
    """Render a description.

    Args:
        text: The description.
        content_type: What the metadata say of it (`Description-Content-Type`); empty for reStructuredText.
    """
    from readme_renderer import markdown, rst, txt

    kind = content_type.partition(";")[0].strip().lower()
    rendered = None
    if kind == "text/markdown":
        rendered = markdown.render(text, variant=_variant(content_type))
    elif kind in ("", "text/x-rst"):
        rendered = rst.render(text)
    # What is not valid markup is shown as it is.
    return without_outside(rendered or txt.render(text) or "")


def _variant(content_type: str) -> str:
    return "CommonMark" if "variant=commonmark" in content_type.replace(" ", "").lower() else "GFM"


def without_outside(html: str) -> str:
    """Take images and relative links out of sanitised HTML, and leave their text."""
    writer = _Writer()
    writer.feed(html)
    writer.close()
    return _EMPTY_ANCHOR.sub("", "".join(writer.parts))


class _Writer(HTMLParser):
    """Writes what it reads, but for what would reach outside. Whatever it writes is escaped anew."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "img":
            if attributes.get("alt", "").strip():
                self.parts.append(f'<span class="image">{escape(attributes["alt"])}</span>')
            return
        if tag == "a":
            attributes = _safe_link(attributes)
        # An anchor in a text must not be taken for one of the page around it.
        kept = {name: _anchor(value) if name in _ANCHORS else value for name, value in attributes.items()}
        written = "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
        self.parts.append(f"<{tag}{written}>")

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and tag != "img":
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(escape(data, quote=False))


def _anchor(name: str) -> str:
    return "readme-" + name.removeprefix("user-content-")


def _safe_link(attributes: dict[str, str]) -> dict[str, str]:
    target = attributes.get("href", "")
    if target.startswith("#"):
        return {**attributes, "href": f"#{_anchor(target[1:])}"}
    if target.startswith(("https://", "http://", "mailto:")):
        return {**attributes, "rel": "nofollow noopener noreferrer"}
    return {name: value for name, value in attributes.items() if name != "href"}

"""READMEs of strangers become HTML that does nothing and loads nothing."""

import re

import pytest

from pannier.server.web.markup import render_markup, without_outside

ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=https://evil.example/pixel.gif alt=pixel>",
    "<a href=javascript:alert(1)>x</a>",
    '<a href="&#106;avascript:alert(1)">x</a>',
    "<a href=data:text/html,x>x</a>",
    "<svg onload=alert(1)></svg>",
    "<iframe src=//evil.example></iframe>",
    "<form action=https://evil.example><input name=password></form>",
    "<style>*{display:none}</style>",
    '<p style="position:fixed">x</p>',
    "<base href=https://evil.example>",
    "<meta http-equiv=refresh content=0>",
    "<details open ontoggle=alert(1)>x</details>",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "`link <javascript:alert(1)>`_",
    ".. raw:: html\n\n   <script>alert(1)</script>\n",
    ".. image:: https://evil.example/x.png\n   :alt: x\n",
    ".. include:: /etc/passwd\n",
    ".. csv-table::\n   :file: /etc/passwd\n",
    "<math><mtext></p><style><img src=x onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
)
TAGS = re.compile(r"<(/?[a-zA-Z][^>]*)>")


@pytest.mark.parametrize(
    "kind", ["text/markdown", "text/markdown; variant=CommonMark", "text/x-rst", "text/plain", ""]
)
@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_runs_and_nothing_loads(attack: str, kind: str) -> None:
    html = render_markup(f"Title\n=====\n\n{attack}\n", kind)
    assert "root:" not in html
    for tag in TAGS.findall(html):
        name = re.split(r"[\s/]", tag.lstrip("/"))[0].lower()
        assert name not in {
            "script",
            "img",
            "svg",
            "iframe",
            "form",
            "style",
            "base",
            "meta",
            "math",
            "noscript",
        }
        assert not re.search(r"\bon\w+\s*=|javascript:|data:|style\s*=|src\s*=", tag, re.IGNORECASE), tag


def test_broken_markup_is_shown_as_it_is() -> None:
    assert "no such role" in render_markup(":no such role:`x` <b>", "text/x-rst")


def test_links_to_elsewhere_stay_and_relative_ones_become_words() -> None:
    html = without_outside(
        '<h2 id="a">A</h2><a href="#a">in</a> <a href="https://x.example/?a=1&amp;b=2">out</a> '
        '<a href="doc.md">rel</a>'
        '<a href="https://ci.example"><img src="badge.svg" alt="passing &lt;b&gt;"></a><br>'
    )
    assert html == (
        '<h2 id="readme-a">A</h2><a href="#readme-a">in</a> '
        '<a href="https://x.example/?a=1&amp;b=2" rel="nofollow noopener noreferrer">out</a> <a>rel</a>'
        '<a href="https://ci.example" rel="nofollow noopener noreferrer">'
        '<span class="image">passing &lt;b&gt;</span></a><br>'
    )

"""READMEs rendered apart, and kept: strangers' markup can take any time and memory, but not this server's.

A process of its own renders each, within limits; what does not keep to them is shown as plain text.
"""

import hashlib
import json
import resource
import subprocess
import sys
from contextlib import suppress
from html import escape
from pathlib import Path

from pannier.store.writing import write_whole

_VERSION = "2"
_SECONDS = 8
_MEMORY = 1 << 30
_LONGEST_SOURCE = 512 << 10
_LONGEST_RESULT = 4 << 20


def render_readme(text: str, content_type: str, cache: Path) -> str:
    """Render a description, or find what was rendered before. Blocks.

    Args:
        text: The description.
        content_type: What the metadata say of it (`Description-Content-Type`); empty for reStructuredText.
        cache: Directory of what was rendered; what cannot be written there is rendered each time.
    """
    if not text.strip():
        return ""
    text = text[:_LONGEST_SOURCE]
    key = hashlib.sha256(f"{_VERSION}\0{content_type}\0{text}".encode("utf-8", "replace")).hexdigest()
    place = cache / f"{key}.html"
    with suppress(OSError, UnicodeDecodeError):
        return place.read_text("utf-8")
    rendered = _render_apart(text, content_type) or f"<pre>{escape(text)}</pre>"
    with suppress(Exception):  # a cache that cannot be written is no reason to show nothing
        write_whole(place, rendered.encode("utf-8", "replace"))
    return rendered


def _render_apart(text: str, content_type: str) -> str:
    """What a process of its own makes of it; empty when that failed, or took too much."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps([text, content_type]).encode(),
            capture_output=True,
            timeout=2 * _SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return ""
    if done.returncode != 0 or len(done.stdout) > _LONGEST_RESULT:
        return ""
    return done.stdout.decode("utf-8", "replace")


def main() -> None:
    """Render what comes on standard input, within limits."""
    from pannier.server.web.markup import render_markup

    text, content_type = json.load(sys.stdin.buffer)
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    sys.stdout.buffer.write(render_markup(text, content_type).encode("utf-8", "replace"))


if __name__ == "__main__":
    main()

"""A package of a system laid out in memory, for tests of what is written of one."""

from typing import Any

from pannier.formats.debian_control import CopyrightPart
from pannier.formats.python_reach import Reach
from pannier.model.target import Platform
from pannier.pack.contents import item_of_bytes
from pannier.pack.image import SystemFacts
from pannier.pack.image_needs import BinaryNeeds
from pannier.pack.system_package import SystemContents

DATE = 1_700_000_000


def facts(**changes: Any) -> SystemFacts:
    """What a small package says of itself."""
    whole = SystemFacts(
        name="tool",
        version="1.0rc1",
        revision="1",
        maintainer="Jane Doe <jane@example.org>",
        summary="a tool that greets",
        description=("It greets.",),
        license="MIT",
        date=DATE,
    )
    return whole._replace(**changes)


def contents(**changes: Any) -> SystemContents:
    """A package of one module and one command, which any Python 3.7 or newer can run."""
    fields: dict[str, Any] = {
        "facts": facts(),
        "prefix": "usr/lib/tool/environment",
        "platform": Platform.parse("linux-x86_64-glibc2.28"),
        "items": (
            item_of_bytes("usr/bin/tool", b"#!/bin/sh\n", executable=True),
            item_of_bytes("usr/lib/tool/environment/lib/python3/site-packages/tool.py", b"x = 1\n"),
        ),
        "commands": ("tool",),
        "reach": Reach(7, None),
        "binary": BinaryNeeds(is_compiled=False),
        "copyright": (CopyrightPart(("*",), ("Jane Doe",), "MIT", "Do what you like."),),
        "inventory": "It has its own copies.",
    }
    return SystemContents(**{**fields, **changes})

"""Which idioms a file holds that name modules elsewhere than in an import statement."""

import ast

from pannier.imports import backends, calls
from pannier.imports.mentions import Mentions, read_file

# A file without any of these holds no such idiom, and nobody has to look further.
TELLING_TEXTS = tuple(dict.fromkeys((*calls.TELLING_TEXTS, *backends.TELLING_TEXTS)))


def find_mentions(tree: ast.Module, text: str, *, has_backends: bool = True) -> Mentions:
    """What the calls and assignments of a file name.

    Args:
        tree: The file.
        text: What it was parsed from.
        has_backends: The table of back ends may say something of it.
    """
    found = Mentions()
    file = read_file(tree, text)
    calls.find_calls(file, found)
    if has_backends:
        backends.find_backends(file, found)
    return found

"""Which idioms a file holds that name modules elsewhere than in an import statement."""

import ast

from pannier.imports.scanning import backends, calls
from pannier.imports.scanning.conditions import Surroundings
from pannier.imports.scanning.mentions import Mentions, read_file

# A file without any of these holds no such idiom, and nobody has to look further.
TELLING_TEXTS = tuple(dict.fromkeys((*calls.TELLING_TEXTS, *backends.TELLING_TEXTS)))


def find_mentions(
    tree: ast.Module, text: str, surroundings: Surroundings, *, has_backends: bool = True
) -> Mentions:
    """What the calls and assignments of a file name.

    Args:
        tree: The file.
        text: What it was parsed from.
        surroundings: The Python and platform that decide conditional expressions.
        has_backends: The table of back ends may say something of it.
    """
    found = Mentions()
    file = read_file(tree, text, surroundings)
    calls.find_calls(file, found)
    if has_backends:
        backends.find_backends(file, found)
    return found

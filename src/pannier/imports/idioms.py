"""Which idioms a file holds that name modules elsewhere than in an import statement."""

import ast

from pannier.imports import backends, calls
from pannier.imports.mentions import Mentions, read_file

# A file without any of these holds no such idiom, and nobody has to look further.
TELLING_TEXTS = tuple(dict.fromkeys((*calls.TELLING_TEXTS, *backends.TELLING_TEXTS)))


def find_mentions(tree: ast.Module, text: str) -> Mentions:
    """What the calls and assignments of a file name, by the identity (`id`) of the node that does."""
    found = Mentions()
    file = read_file(tree, text)
    calls.find_calls(file, found)
    backends.find_backends(file, found)
    return found

"""What a script declares in its own metadata block (PEP 723).

Apart from the lists that it might stand among: loading their readers takes longer than analysing a script.
"""

from pannier.formats.declared import Collector
from pannier.formats.script_metadata import parse_script_metadata, read_script_block
from pannier.model.declarations import Declarations
from pannier.model.errors import SpecError


def declared_in_script(text: str, path: str) -> Declarations:
    """Read the metadata block of a script (PEP 723); of one that is not valid, what can be told."""
    collector = Collector(path, text)
    try:
        metadata = parse_script_metadata(text, filename=path)
    except SpecError as error:
        collector.undecided(error.message)
        _add_what_can_be_told(collector, text, path)
        return collector.result()
    if metadata is not None:
        collector.bound_python(metadata.python, "script.requires-python")
        for requirement in metadata.requirements:
            collector.add(requirement, "main", "script")
    return collector.result()


def _add_what_can_be_told(collector: Collector, text: str, path: str) -> None:
    """What a block declares beside what makes it invalid: a key of another tool's, a repository."""
    try:
        block = read_script_block(text, path) or {}
    except SpecError:
        return
    collector.add_all(block.get("dependencies"), "main", "script")
    python = block.get("requires-python")
    if isinstance(python, str):
        collector.bound_python(python, "script.requires-python")

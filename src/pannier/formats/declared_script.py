"""What a script declares in its own metadata block (PEP 723).

Apart from the lists that it might stand among: loading their readers takes longer than analysing a script.
"""

from pannier.formats.declared import Collector
from pannier.formats.script_metadata import parse_script_metadata
from pannier.model.declarations import Declarations
from pannier.model.errors import SpecError


def declared_in_script(text: str, path: str) -> Declarations:
    """Read the metadata block of a script (PEP 723); a block that is not valid declares nothing."""
    collector = Collector(path, text)
    try:
        metadata = parse_script_metadata(text, filename=path)
    except SpecError as error:
        collector.undecided(error.message)
        return collector.result()
    if metadata is not None:
        collector.bound_python(metadata.python, "script.requires-python")
        for requirement in metadata.requirements:
            collector.add(requirement, "main", "script")
    return collector.result()

"""What a project's own metadata promises to those who install it, apart from the lists that lie beside it."""

from pannier.model.declarations import FROZEN_LIST, LIST, Declarations, Declared
from pannier.model.names import normalized_name

# The places of what conda's environments and pip's files list: no installer of the project reads them.
_LISTS = frozenset({LIST, FROZEN_LIST, "dependencies", "dependencies.pip", "packages"})


def is_of_metadata(item: Declared) -> bool:
    """Whether a requirement stands in a project's own metadata, and not in a list beside it."""
    is_group = item.place.startswith("dependency-groups.")
    return item.group in {"main", "optional"} and item.place not in _LISTS and not is_group


def own_requirements(declarations: Declarations) -> tuple[str, ...] | None:
    """What the metadata requires of everyone, normalized and sorted.

    Where it requires nothing itself, the lists beside it count. `None` where there is no metadata, or where
    not all of that can be told.
    """
    if not declarations.project_names or any(item.group == "main" for item in declarations.undecided):
        return None
    return tuple(sorted(_required(declarations) or listed_beside(declarations)))


def only_offered(declarations: Declarations) -> tuple[str, ...]:
    """What is there for those who ask for an extra, and for nobody else, normalized and sorted."""
    offered = {
        normalized_name(item.name)
        for item in declarations.requirements
        if item.group == "optional" and is_of_metadata(item)
    }
    required = {normalized_name(item.name) for item in declarations.requirements if item.group == "main"}
    return tuple(sorted(offered - required))


def listed_beside(declarations: Declarations) -> tuple[str, ...]:
    """What lists beside the metadata require to run the program, normalized and sorted."""
    return tuple(
        sorted(
            {
                normalized_name(item.name)
                for item in declarations.requirements
                if item.group == "main" and not is_of_metadata(item)
            }
        )
    )


def _required(declarations: Declarations) -> set[str]:
    return {
        normalized_name(item.name)
        for item in declarations.requirements
        if item.group == "main" and is_of_metadata(item)
    }

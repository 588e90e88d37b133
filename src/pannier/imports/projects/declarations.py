"""Projects that a notebook installs itself, joined with those that its imports show."""

from collections.abc import Mapping, Sequence

from pannier.model.analysis import FoundProject, Import
from pannier.model.names import normalized_name


def join_declared(
    projects: dict[str, FoundProject], unknown: set[Import], declared: Mapping[str, Sequence[Import]]
) -> set[Import]:
    """Add declared requirements to the projects found.

    Args:
        projects: By name; changed in place.
        unknown: Imports that nothing known provides.
        declared: Requirement to where it is declared.

    Returns:
        The imports that are still unknown: one named like a declared project is taken to be that project's.
    """
    by_name = {normalized_name(name): name for name in projects}
    for requirement, places in sorted(declared.items()):
        name = project_name(requirement)
        explained = {
            found
            for found in unknown
            if normalized_name(found.name.partition(".")[0]) == normalized_name(name)
        }
        unknown = unknown - explained
        evidence = tuple(sorted({*places, *explained}, key=lambda found: (found.location, found.name)))
        present = projects.get(by_name.get(normalized_name(name), ""))
        if present is None:
            by_name[normalized_name(name)] = name
            projects[name] = FoundProject(
                name=name, requirement=requirement, confidence="declared", imports=evidence
            )
        else:
            wanted = requirement if present.requirement == present.name else present.requirement
            confidence = "declared" if present.confidence == "guess" else present.confidence
            projects[present.name] = present._replace(
                requirement=wanted,
                confidence=confidence,
                imports=(*present.imports, *evidence),
                optional=False,
            )
    return unknown


def project_name(requirement: str) -> str:
    """The project's name in front of a requirement's extras, versions and marker (PEP 508)."""
    for place, character in enumerate(requirement):
        if not (character.isalnum() or character in "-_."):
            return requirement[:place]
    return requirement

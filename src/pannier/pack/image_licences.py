"""Whose a package's files are, and under which licences: what its copyright file says."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pannier.formats.copyright_texts import authors_of, is_licence_file, licence_name, licence_text
from pannier.formats.debian_control import CopyrightPart
from pannier.pack.image import SystemFacts, SystemImage
from pannier.pack.plan import PackPlan

_UNKNOWN = "The metadata name no licence; ask its authors."


def copyright_parts(
    facts: SystemFacts, image: SystemImage, plan: PackPlan, metadata: Sequence[Mapping[str, Any]]
) -> list[CopyrightPart]:
    """Say of all files, then of each distribution's, who holds the copyright and what the licence is."""
    own = CopyrightPart(
        files=("*",),
        holders=facts.authors or (facts.maintainer,),
        license=_short(facts.license),
        text=_own_text(plan) or (f"Licensed as {facts.license}." if facts.license else _UNKNOWN),
    )
    parts = [own]
    for wheel, document in zip(plan.wheels, metadata, strict=True):
        if wheel.kind != "program":
            parts.append(_part(wheel.path, document, image.prefix))
    if plan.interpreter is not None:
        parts.append(
            CopyrightPart(
                files=(f"{image.prefix}/bin/python*", f"{image.prefix}/lib/*"),
                holders=("Python Software Foundation and others",),
                license="Python-2.0",
                text="See https://docs.python.org/3/license.html; the libraries beside it have their own.",
            )
        )
    return parts


def _own_text(plan: PackPlan) -> str:
    return "\n".join(_texts(wheel.path for wheel in plan.wheels if wheel.kind == "program"))


def _part(wheel: Path, document: Mapping[str, Any], prefix: str) -> CopyrightPart:
    name, version = document.get("name", wheel.name), document.get("version", "")
    license_name = licence_name(document)
    texts = _texts([wheel])
    return CopyrightPart(
        files=tuple(f"{prefix}/lib/python3*/site-packages/{top}" for top in _tops(wheel)),
        holders=authors_of(document) or (f"the authors of {name}",),
        license=_short(license_name),
        text="\n".join(texts) or f"{name} {version}: {license_name or _UNKNOWN}",
    )


def _tops(wheel: Path) -> list[str]:
    import zipfile

    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] + ("/*" if "/" in name else "") for name in names}
    return sorted(top.replace(" ", "?") for top in tops if ".data/" not in top)


def _texts(wheels: Iterable[Path]) -> list[str]:
    import zipfile

    texts: dict[str, None] = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in sorted(archive.namelist()):
                directory, _, rest = name.partition("/")
                if directory.endswith(".dist-info") and not name.endswith("/") and is_licence_file(rest):
                    texts[licence_text(archive.read(name).decode("utf-8", "replace"))] = None
    return list(texts)


def _short(license_name: str) -> str:
    """A licence's short name: DEP 5 has it in one word, unless it joins several."""
    joined = license_name.replace("(", "").replace(")", "")
    for word in ("AND", "OR", "WITH"):
        joined = joined.replace(f" {word} ", f" {word.lower()} ")
    words = [part.strip().replace(" ", "-") for part in joined.split(" and ")]
    return " and ".join(filter(None, words)) or "unknown"

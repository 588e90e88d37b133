"""Whether an index serves what was uploaded: its page, hashes, metadata beside files, and the bytes."""

import hashlib
from collections.abc import Iterator, Sequence

from pannier.formats.simple_api import FileLink
from pannier.model.errors import ReleaseError
from pannier.model.release import Distribution, ReleaseIndex
from pannier.release.contents import read_metadata
from pannier.release.published import IndexReader, Published, wait_for

_STRONG = ("sha256", "sha384", "sha512", "blake2b")


def find_conflicts(
    reader: IndexReader, published: Published, distributions: Sequence[Distribution]
) -> tuple[list[Distribution], list[Distribution]]:
    """Compare what was built with what an index has already.

    Returns:
        What the index has with the same bytes, and what it has with others.

    Raises:
        FetchError: The index does not answer.
    """
    same: list[Distribution] = []
    other: list[Distribution] = []
    for distribution in distributions:
        file = published.named(distribution.filename)
        if file is not None:
            (same if reader.is_same(file, distribution.path) else other).append(distribution)
    return same, other


def refuse_conflicts(index: ReleaseIndex, published: Published, conflicts: Sequence[Distribution]) -> None:
    """Refuse to release what an index has with other bytes.

    Raises:
        ReleaseError: There is such a file.
    """
    if not conflicts:
        return
    facts = {}
    for distribution in conflicts:
        file = published.named(distribution.filename)
        theirs = file.hashes.get("sha256", "other bytes") if file else ""
        facts[f"`{distribution.filename}`"] = f"built: sha256 {distribution.sha256}\nindex: sha256 {theirs}"
    raise ReleaseError(
        f"the index `{index.name}` has this version already, with other bytes; nothing was uploaded",
        code="release-conflict",
        facts=facts,
        hint="release the changes as a new version: who installed the old one must get the same again",
    )


def verify_release(
    reader: IndexReader, project: str, distributions: Sequence[Distribution]
) -> tuple[Published, tuple[str, ...]]:
    """Check that an index serves exactly these distributions.

    Args:
        reader: Reads the index.
        project: The project's name.
        distributions: What was uploaded.

    Returns:
        What the index has, and what was compared, for people.

    Raises:
        ReleaseError: It serves something else; everything that differs is told.
        FetchError: It does not answer.
    """
    published = wait_for(reader, project, distributions)
    wrong: dict[str, str] = {}
    compared: list[str] = []
    for distribution in distributions:
        file = published.named(distribution.filename)
        sentences = (
            list(_differences(reader, file, distribution, compared))
            if file
            else ["the page does not list it"]
        )
        if sentences:
            wrong[f"`{distribution.filename}`"] = "\n".join(sentences)
    if wrong:
        raise ReleaseError(
            f"the index `{reader.index.name}` does not serve what was uploaded",
            code="release-verify",
            facts={**wrong, "page": published.simple_url or " or ".join(reader.index.simple_urls)},
            hint=f"name its Simple API as `url` in `[index.{reader.index.name}]`, or ask who runs the index",
        )
    return published, tuple(dict.fromkeys(compared))


def _differences(
    reader: IndexReader, file: FileLink, distribution: Distribution, compared: list[str]
) -> Iterator[str]:
    served = file.hashes.get("sha256")
    if served is not None:
        compared.append("sha256")
    if served is not None and served != distribution.sha256:
        yield f"the page says sha256 {served}, uploaded was {distribution.sha256}"
    elif served is None and not reader.is_same(file, distribution.path):
        yield "its hash on the page is another than that of what was uploaded"
    if file.metadata is not None and distribution.kind == "wheel":
        compared.append("metadata")
        served_metadata = reader.digest(f"{file.url}.metadata")
        if served_metadata != hashlib.sha256(read_metadata(distribution)).hexdigest():
            yield "the metadata beside it is not the one inside it"
    if distribution.kind == "wheel" or not set(file.hashes) & set(_STRONG):
        compared.append("downloaded bytes")
        downloaded = reader.digest(file.url)
        if downloaded != distribution.sha256:
            yield f"downloaded it has sha256 {downloaded}, uploaded was {distribution.sha256}"

"""Asks an index, and the one upstream of it, what `checks` judges."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pannier.formats.distribution_names import parse_distribution_filename
from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.formats.simple_api_pages import parse_project_list, strongest_hash
from pannier.model.errors import FetchError
from pannier.server.catalogue.catalogue import version_key
from pannier.server.doctor.checks import Finding, Namesake, check_namesakes, check_pages
from pannier.store.upstream.address import Upstream
from pannier.store.upstream.client import UpstreamClient, UpstreamUnavailableError

_TOGETHER = 8
_LARGEST = 50 << 20
Advance = Callable[[str], None]


class Plan(NamedTuple):
    """What to look over.

    Attributes:
        looked_over: The index.
        upstream: The index whose names must not be the same; `None` for not looking.
        projects: Only these; all that the index lists when empty.
        allowed: Names that are meant to be in both.
    """

    looked_over: Upstream
    upstream: Upstream | None
    projects: Sequence[str] = ()
    allowed: Sequence[str] = ()


async def look_over(plan: Plan, begin: Callable[[int], None], advance: Advance) -> list[Finding]:
    """Ask, and judge the answers.

    Args:
        plan: What to look over.
        begin: Hears how many projects there are.
        advance: Hears of each that is done.

    Raises:
        FetchError: The index does not answer, or is none.
    """
    index = UpstreamClient(plan.looked_over)
    upstream = UpstreamClient(plan.upstream) if plan.upstream else None
    try:
        return await _look_over(plan, index, upstream, begin, advance)
    finally:
        await index.close()
        if upstream:
            await upstream.close()


async def _look_over(
    plan: Plan,
    index: UpstreamClient,
    upstream: UpstreamClient | None,
    begin: Callable[[int], None],
    advance: Advance,
) -> list[Finding]:
    names, speaks_json = await _list_projects(index)
    findings = [_judge_dialect(len(names), speaks_json)]
    names = list(plan.projects) or names
    begin(len(names))
    pages, missing = await _fetch_pages(index, names, lambda name: None if upstream else advance(name))
    if names and not pages:
        raise _unusable(plan.looked_over.url, "none of the names it lists has a page")
    if missing:
        message = "projects are listed but have no page, or one that cannot be read"
        findings.append(Finding("pages", "problem", message, missing, "look at the index's log"))
    findings.extend(check_pages(pages))
    findings.append(await _check_spellings(index, pages))
    findings.extend(await _check_download(index, pages))
    if upstream is None:
        hint = "name the index with `--upstream URL`"
        findings.append(
            Finding("names", "skipped", "no upstream is known to look for namesakes in", (), hint)
        )
        return findings
    return [*findings, *await _check_names(upstream, pages, plan.allowed, advance)]


async def _list_projects(index: UpstreamClient) -> tuple[list[str], bool]:
    url = index.upstream.url
    try:
        answer = await index.fetch(url)
    except UpstreamUnavailableError as error:
        raise FetchError(
            "the index does not answer",
            facts={"url": url, "reason": str(error.facts["reason"])},
            hint="check the URL, and that the index is running",
        ) from error
    if answer.status != 200:
        raise _unusable(url, f"HTTP status {answer.status}")
    return parse_project_list(answer.content, answer.kind, answer.url), answer.kind.endswith("+json")


def _unusable(url: str, reason: str) -> FetchError:
    return FetchError(
        "the index does not list its projects",
        code="index-unusable",
        facts={"url": url, "reason": reason},
        hint="name the URL that `pip --index-url` takes, with user name and password where it wants them",
    )


def _judge_dialect(count: int, speaks_json: bool) -> Finding:
    listed = f"{count} project{'' if count == 1 else 's'}"
    if speaks_json:
        return Finding("answers", "good", f"the index lists {listed}, in HTML and JSON")
    return Finding(
        "answers",
        "warning",
        f"the index lists {listed}, in HTML only: no sizes, no upload times",
        (),
        "use an index that speaks JSON too (PEP 691)",
    )


async def _fetch_pages(
    client: UpstreamClient, names: Sequence[str], advance: Advance
) -> tuple[dict[str, ProjectPage], list[str]]:
    """The pages that there are, and the names that have none that can be read."""
    gate = asyncio.Semaphore(_TOGETHER)

    async def fetch(name: str) -> ProjectPage | None:
        async with gate:
            try:
                return (await client.fetch_page(name)).page
            except UpstreamUnavailableError:
                return None
            finally:
                advance(name)

    found = await asyncio.gather(*map(fetch, names))
    pages = {name: page for name, page in zip(names, found, strict=True) if page is not None}
    return pages, [name for name in names if name not in pages]


async def _check_spellings(index: UpstreamClient, pages: dict[str, ProjectPage]) -> Finding:
    """Each spelling of a name leads to its page (PEP 503)."""
    name = next((name for name in pages if "-" in name), next(iter(pages), ""))
    if not name:
        return Finding("spellings", "skipped", "there is no project to ask for in another spelling")
    spelling = name.replace("-", "_.").upper()
    answer = await index.fetch(index.upstream.page_url(spelling))
    if answer.status == 200:
        return Finding("spellings", "good", f"`{spelling}` leads to `{name}`")
    message = f"`{spelling}` does not lead to `{name}`: HTTP status {answer.status}"
    return Finding("spellings", "problem", message, (), "use an index that normalizes names (PEP 503)")


async def _check_download(index: UpstreamClient, pages: dict[str, ProjectPage]) -> list[Finding]:
    """The smallest file and its metadata are what the page promises."""
    files = [file for page in pages.values() for file in page.files if strongest_hash(file.hashes)]
    if not files:
        return [Finding("downloads", "skipped", "there is no file with a hash to download")]
    smallest = min(files, key=lambda file: _LARGEST if file.size is None else file.size)
    findings = [await _compare(index, "downloads", smallest.url, smallest.hashes, smallest)]
    described = next((file for file in files if file.metadata), None)
    if described and described.metadata:
        url = f"{described.url}.metadata"
        findings.append(await _compare(index, "metadata-files", url, described.metadata, described))
    return findings


async def _compare(
    index: UpstreamClient, check: str, url: str, hashes: Mapping[str, str], file: FileLink
) -> Finding:
    best = strongest_hash(hashes)
    answer = await index.fetch(url)
    what = "the metadata of " if check == "metadata-files" else "the file "
    if answer.status != 200:
        message = f"{what}`{file.filename}` cannot be had: HTTP status {answer.status}"
        return Finding(check, "problem", message, (), "look at the index's log")
    if best and hashlib.new(best[0], answer.content, usedforsecurity=False).hexdigest() != best[1]:
        message = f"{what}`{file.filename}` is not what its page promises"
        return Finding(
            check, "problem", message, (), "somebody or something between changed it: find out who"
        )
    return Finding(check, "good", f"{what}`{file.filename}` is what its page promises")


async def _check_names(
    upstream: UpstreamClient, pages: dict[str, ProjectPage], allowed: Sequence[str], advance: Advance
) -> list[Finding]:
    gate = asyncio.Semaphore(_TOGETHER)
    unknown: list[str] = []

    async def ask(name: str) -> Namesake | None:
        async with gate:
            try:
                other = (await upstream.fetch_page(name)).page
            except UpstreamUnavailableError:
                unknown.append(name)
                return None
            finally:
                advance(name)
        return _namesake(name, pages[name], other) if other is not None else None

    found = await asyncio.gather(*map(ask, pages))
    namesakes = [namesake for namesake in found if namesake is not None]
    return check_namesakes(namesakes, len(pages), sorted(unknown), allowed)


def _namesake(name: str, page: ProjectPage, other: ProjectPage) -> Namesake:
    theirs = {digest for file in other.files for digest in file.hashes.values()}
    shared = [file.filename for file in page.files if theirs & set(file.hashes.values())]
    return Namesake(name, _newest(page), _newest(other), shared)


def _newest(page: ProjectPage) -> str:
    names = (parse_distribution_filename(file.filename) for file in page.files)
    versions = [name.version for name in names if name and name.version]
    return max(versions, key=version_key, default="nothing")

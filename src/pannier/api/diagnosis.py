"""`doctor`: look an index over."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from pannier.api.settings import Settings
from pannier.model.errors import UsageError
from pannier.model.events import Reporter, SilentReporter, Stage

if TYPE_CHECKING:
    from pannier.server.doctor.checks import Finding
    from pannier.store.index_settings import IndexSettings
    from pannier.store.upstream.address import Upstream


class DoctorOptions(NamedTuple):
    """What to look over.

    Attributes:
        index_url: The index; empty for the one that pip is set up for.
        upstream_url: The index whose names must not be the same; empty for that of the settings of `serve`.
        projects: Only these.
        allowed: Names that are meant to be in both.
    """

    index_url: str = ""
    upstream_url: str = ""
    projects: Sequence[str] = ()
    allowed: Sequence[str] = ()


class DoctorResult(NamedTuple):
    """What was found.

    Attributes:
        index_url: The index, without credentials.
        upstream_url: The one upstream of it, likewise; empty for none.
        findings: In the order of the checks.
    """

    index_url: str
    upstream_url: str
    findings: "Sequence[Finding]"

    @property
    def is_well(self) -> bool:
        """Whether no check found a problem."""
        return not any(finding.state == "problem" for finding in self.findings)


def doctor(options: DoctorOptions, settings: Settings, reporter: Reporter | None = None) -> DoctorResult:
    """Look an index over as its clients see it, and what clients on this machine are set up for.

    Args:
        options: What to look over.
        settings: The settings in force.
        reporter: Hears of the progress.

    Raises:
        UsageError: No index is named, or not by a URL.
        FetchError: The index does not answer, or is none.
        SpecError: pip's configuration cannot be read.
    """
    import asyncio

    from pannier.server.doctor.checks import check_clients
    from pannier.server.doctor.probing import Plan, look_over
    from pannier.store.index_settings import read_index_settings

    environ = settings.environ or os.environ
    clients = read_index_settings(environ)
    url = options.index_url or settings.index_url or clients.index_url
    if not url:
        raise UsageError("no index is named to look over", hint="name one with `--index URL`")
    index = _address(url, clients)
    upstream_url = options.upstream_url or settings.tables.get("serve", {}).get("upstream", "")
    upstream = _address(upstream_url, clients) if upstream_url else None
    listener = reporter or SilentReporter()
    stages: list[Stage] = []

    def begin(count: int) -> None:
        stages.append(Stage(name="looking over", total=count, unit="items"))
        listener.begin(stages[0])

    plan = Plan(index, upstream, options.projects, options.allowed)
    try:
        findings = asyncio.run(look_over(plan, begin, lambda name: listener.advance(stages[0], 1, name)))
    finally:
        for stage in stages:
            listener.end(stage)
    extra = _extra_indexes(clients, environ)
    findings.extend(check_clients(index.url, clients.index_url, extra, environ.get("UV_INDEX_STRATEGY", "")))
    return DoctorResult(index.url, upstream.url if upstream else "", findings)


def _address(url: str, clients: "IndexSettings") -> "Upstream":
    """An index with the credentials that pip or uv would use."""
    from pannier.store.upstream.address import parse_upstream

    address = parse_upstream(url)
    known = clients.credentials().get(urlsplit(address.url).netloc)
    return (
        address._replace(username=known[0], password=known[1]) if known and not address.username else address
    )


def _extra_indexes(clients: "IndexSettings", environ: Mapping[str, str]) -> list[str]:
    from pannier.store.redaction import redact

    named = list(clients.extra_index_urls)
    named += environ.get("UV_EXTRA_INDEX_URL", "").split()
    return [redact(url) for url in named]

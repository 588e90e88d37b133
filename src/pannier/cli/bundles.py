"""Bundles of sites, for the verbs that take packs too."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.cli.commands import Outcome
from pannier.cli.render import Style, format_count, format_facts, format_size, format_table, printable

if TYPE_CHECKING:
    from pannier.formats.site_manifests import Environment, Wheel


def show_bundle(path: Path, style: Style) -> Outcome:
    """Lay out what a bundle says of itself, for `pannier inspect`."""
    from pannier import api

    facts = api.inspect_bundle(path)
    manifest = facts.manifest
    left_out = sum(not wheel.included for wheel in manifest.wheels.values())
    rehearsed = manifest.value["rehearsed"]
    shown = format_facts(
        [
            ("name", manifest.name),
            ("id", manifest.id),
            ("size", f"{format_size(facts.size)}, {format_count(len(manifest.files) + 1, 'file')}"),
            ("prefix", manifest.prefix),
            ("bin", manifest.bin),
            ("made by", manifest.tool),
            (
                "since",
                f"{manifest.since}, {format_count(left_out, 'wheel')} left out" if manifest.since else "",
            ),
            ("signature", "there is one; `install` checks whose" if facts.signed else "none"),
            ("rehearsed", ", ".join(rehearsed["environments"]) if rehearsed else "no"),
        ],
        style,
    )
    header = ("environment", "python", "platform", "interpreter", "wheels", "size")
    rows = [_row(one, manifest.wheels) for one in manifest.environments]
    table = format_table(header, rows, style, right="wheels size")
    data = {
        "path": str(path),
        "id": manifest.id,
        "size": facts.size,
        "signed": facts.signed,
        "manifest": manifest.value,
    }
    return Outcome(data=data, text=f"{shown}\n{table}")


def _row(environment: "Environment", wheels: "Mapping[str, Wheel]") -> tuple[str, ...]:
    size = sum(wheels[sha256].size for sha256 in environment.wheels)
    return (
        ", ".join((environment.name, *environment.aliases)),
        environment.python,
        environment.platform,
        environment.interpreter.path or environment.interpreter.kind,
        str(len(environment.wheels)),
        format_size(size),
    )


def verify_bundle(path: Path) -> Outcome:
    """Check every byte of a bundle, for `pannier verify`; whatever is wrong is an error."""
    from pannier import api

    facts = api.verify_bundle(path)
    members = len(facts.manifest.files) + 1 + facts.signed
    signed = "signed" if facts.signed else "not signed"
    summary = f"{path}: whole, {format_count(members, 'file')}, {format_size(facts.size)} checked; {signed}"
    data = {
        "path": str(path),
        "id": facts.manifest.id,
        "files": members,
        "size": facts.size,
        "signed": facts.signed,
    }
    return Outcome(data=data, summary=printable(summary))

"""`pannier site bundle`: one file that installs a site's environments on its server."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome
from pannier.cli.render import (
    format_count,
    format_seconds,
    format_size,
    format_table,
    printable,
)
from pannier.cli.site_arguments import add_site_file

if TYPE_CHECKING:
    from pannier.api import BundleResult

DESCRIPTION = """Put every locked wheel of a site, and what installs them, into one file for its server.

`sh FILE install` there needs `sh` and any Python from 3.6 on, or one that the bundle brings
(`interpreter = "bundled"` in site.toml), and no network. The same locks give the same bytes. Any `unzip`
opens the file, and plain pip and uv install from what is inside."""
EXAMPLES = (
    ("pannier site bundle -o site.run", "everything in site.toml, as locked"),
    ("pannier site bundle lab/site.toml -o site.run --dry-run", "how large would that be?"),
    ("pannier site bundle -o update.run --since site.run", "only what that bundle did not bring"),
    ("pannier site bundle -o update.run --since inventory.json", "only what the server says it lacks"),
    ("pannier site bundle -o site.run --sign ~/.ssh/id_ed25519", "signed with an OpenSSH key"),
    ("pannier site bundle -o site.run --rehearse", "installed and tested here first, without a network"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier site bundle`."""
    add_site_file(parser)
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the bundle to write")
    parser.add_argument(
        "--since",
        metavar="FILE",
        help="leave out what the server has: the bundle sent before, or what `sh BUNDLE inventory --json` "
        "printed there",
    )
    parser.add_argument(
        "--sign",
        metavar="KEY",
        help="sign with this OpenSSH key: a private one, or a public one whose other half ssh-agent has",
    )
    parser.add_argument(
        "--rehearse",
        action="store_true",
        help="install it here first, without a network, and run the smoke tests; the bundle says so",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be in it, and write nothing")


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Write the bundle, and say what is in it."""
    from pannier import api

    options = api.BundleOptions(
        output=Path(arguments.output),
        since=Path(arguments.since) if arguments.since else None,
        key=Path(arguments.sign).expanduser() if arguments.sign else None,
        rehearse=arguments.rehearse,
        dry_run=arguments.dry_run,
    )
    result = api.site_bundle(Path(arguments.site_file), options, context.load_settings(), context.reporter)
    text = ""
    if arguments.dry_run:
        rows = [(one.name, one.python, str(one.wheels), one.interpreter) for one in result.environments]
        header = ("environment", "python", "wheels", "interpreter")
        text = format_table(header, rows, context.style, right="wheels")
    summary = _summary(result, dry_run=arguments.dry_run)
    return Outcome(data=result._asdict(), text=text, summary=printable(summary))


def _summary(result: "BundleResult", *, dry_run: bool) -> str:
    parts = [
        format_count(len(result.environments), "environment"),
        format_count(result.wheels, "wheel"),
        format_size(result.size),
    ]
    if result.since:
        parts.append(f"{format_count(result.left_out, 'wheel')} left out")
    if result.signed:
        parts.append("signed")
    if result.rehearsed:
        parts.append("rehearsed")
    if dry_run:
        return f"would write {result.path}: {', '.join(parts)}"
    return f"wrote {result.path}: {', '.join(parts)}, in {format_seconds(result.seconds)}"

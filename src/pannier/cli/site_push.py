"""`pannier site push`: sends a server what it lacks over ssh, and installs it there."""

import argparse
import shlex
import sys
from pathlib import Path

from pannier.cli.commands import Context, Outcome
from pannier.cli.parsing import add_index_options
from pannier.cli.render import format_size, printable
from pannier.cli.site_pull import add_server_options

DESCRIPTION = """Send a server over ssh what it lacks, and install it there.

The server is asked what it has. With a site.toml a bundle of the rest is made, sent and installed. With a
bundle, that is sent without what the server has, manifest and signature as they are; whole with --keep.
What arrived in a try that broke off is not sent again. The installer checks everything before it changes
anything; what it says is shown, and where it refuses, what was in force stays so."""
EXAMPLES = (
    ("pannier site push root@lab-server", "the site.toml here: lock it first with `pannier site lock`"),
    ("pannier site push lab-server --sudo --sign ~/.ssh/id_ed25519", "installed by sudo, signed"),
    ("pannier site push lab-server site.run", "a bundle made before"),
    ("pannier site push lab-server --install-option=--dry-run", "only check there"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier site push`."""
    add_server_options(parser)
    parser.add_argument(
        "subject",
        metavar="SITE|BUNDLE",
        nargs="?",
        type=Path,
        default=Path("site.toml"),
        help="a site.toml, or a bundle (default: site.toml)",
    )
    parser.add_argument("--sign", metavar="KEY", type=Path, help="sign what is sent with this OpenSSH key")
    parser.add_argument("--rehearse", action="store_true", help="install it here first, without a network")
    parser.add_argument("--sudo", action="store_true", help="install it through sudo there")
    parser.add_argument("--keep", action="store_true", help="leave the bundle on the server")
    parser.add_argument(
        "--install-option",
        metavar="OPTION",
        action="append",
        default=[],
        help="more for the installer there, such as '--python 3.6=/opt/py36/bin/python3.6'; may be repeated",
    )
    add_index_options(parser)


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Send it, install it, say what became of it."""
    from pannier import api

    options = api.PushOptions(
        server=arguments.server,
        subject=arguments.subject,
        prefix=arguments.prefix,
        key=arguments.sign,
        rehearse=arguments.rehearse,
        as_root=arguments.sudo,
        keep=arguments.keep,
        arguments=tuple(word for text in arguments.install_option for word in shlex.split(text)),
        terminal=sys.stdin.isatty() and sys.stderr.isatty(),
    )
    result = api.site_push(options, context.load_settings(), context.reporter)
    sent = f"sent {format_size(result.size)} to {result.server}"
    if result.status:
        said = f"{sent}; its installer ended with status {result.status}: what was in force stays so"
    else:
        said = f"{sent}, and installed it"
    return Outcome(data=result._asdict(), summary=printable(said), status=1 if result.status else 0)

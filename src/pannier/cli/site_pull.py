"""`pannier site pull`: asks a server over ssh what it has."""

import argparse
from pathlib import Path

from pannier.cli.commands import Context, Outcome
from pannier.cli.render import printable

DESCRIPTION = """Ask a server over ssh what it has.

Its inventory names the wheels installed there, its Pythons and its platform. `pannier site bundle --since
INVENTORY` then carries only what it lacks. A server without a site yet tells its platform and its Pythons,
for `platform` and `python` in site.toml; nothing is needed there but `sh`.

The command `ssh` is used as it is set up for you; the setting `ssh` names another."""
EXAMPLES = (
    ("pannier site pull lab-server -o lab-server.json", "what does it have?"),
    ("pannier site bundle --since lab-server.json -o changes.run", "and now what it lacks"),
    ("pannier site pull root@lab-server --prefix /opt/lab/envs --json", "for a program"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier site pull`."""
    add_server_options(parser)
    parser.add_argument(
        "site",
        metavar="SITE",
        nargs="?",
        type=Path,
        default=Path("site.toml"),
        help="the site.toml that says where the environments live there (default: site.toml)",
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write the inventory here")


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Declare which server, and how it is reached."""
    parser.add_argument("server", metavar="SERVER", help="`host` or `user@host`, as for ssh")
    parser.add_argument("--prefix", metavar="DIR", default="", help="where its environments live")
    parser.add_argument("--ssh", metavar="COMMAND", help="the command that reaches it (default: ssh)")


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Ask, and say what it answered."""
    from pannier import api

    options = api.PullOptions(
        server=arguments.server,
        prefix=arguments.prefix,
        site_file=arguments.site,
        output=arguments.output,
    )
    result = api.site_pull(options, context.load_settings(), context.reporter)
    inventory = result.inventory
    pythons = [f"{told['version']} ({told['path']})" for told in inventory.get("pythons", {}).values()]
    lines = [
        f"platform  {inventory.get('platform', '')}",
        f"Pythons   {', '.join(pythons) or 'none found'}",
        f"in force  {inventory.get('id', '') or 'nothing'}",
        f"wheels    {len(inventory.get('wheels', []))}",
    ]
    written = f"; written to {result.path}" if result.path else ""
    state = f"has a site below {inventory.get('prefix')}" if result.installed else "has no site yet"
    return Outcome(
        data={"inventory": inventory, "installed": result.installed, "path": result.path},
        text=printable("\n".join(lines)) + "\n",
        summary=printable(f"{arguments.server} {state}{written}"),
    )

"""`pannier serve token`: tokens to publish with instead of a password."""

import argparse
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome
from pannier.cli.errors import usage_error
from pannier.cli.parsing import add_served_directory
from pannier.cli.render import Style, format_table

if TYPE_CHECKING:
    from pannier.server.tokens import Token

DESCRIPTION = """Make tokens for an index, list them, revoke them.

  create  make one for a USER and print it; it is shown this once
  list    show the names, users and limits of all
  revoke  make the one of a NAME good for nothing, at once

A token goes where the password goes, with `__token__` as user name. It acts in its user's name, with the
user's rights and no more. Only its hash is kept, in .pannier/ of the directory served."""
EXAMPLES = (
    ("pannier serve token create alice", "a token for alice"),
    ("pannier serve token create ci --project 'particle-*' --expires 90d", "for some projects and some time"),
    ("pannier serve token list", "which are there?"),
    ("pannier serve token revoke alice-1", "end one"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier serve token`."""
    parser.add_argument("action", choices=("create", "list", "revoke"), help="what to do")
    parser.add_argument(
        "who", metavar="USER", nargs="?", default="", help="the user of create, the NAME of revoke"
    )
    parser.add_argument("--name", metavar="NAME", default="", help="what to know the token by")
    parser.add_argument(
        "--project",
        metavar="PATTERN",
        action="append",
        default=[],
        help="a project it is good for; may be repeated",
    )
    parser.add_argument(
        "--may",
        metavar="RIGHT",
        action="append",
        default=[],
        help="list, download, upload or remove; may be repeated",
    )
    parser.add_argument("--expires", metavar="WHEN", default="", help="a date, or days such as 90d")
    add_served_directory(parser)


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Do what was asked of the tokens."""
    from pannier import api

    _refuse_misplaced(arguments)
    settings = api.serve_settings(arguments.served, context.load_settings())
    if arguments.action == "list":
        tokens = api.list_tokens(settings)
        return Outcome(
            data={"tokens": [_data(token) for token in tokens]}, text=_table(tokens, context.style)
        )
    if arguments.action == "revoke":
        token = api.revoke_token(settings, arguments.who)
        return Outcome(data={"token": _data(token)}, summary=f"revoked {token.name} of {token.user}")
    made = api.create_token(
        settings,
        arguments.who,
        name=arguments.name,
        projects=arguments.project,
        may=arguments.may,
        expires=arguments.expires,
    )
    summary = f"{made.token.name} of {made.token.user}: keep it now, it is not shown again"
    return Outcome({"token": _data(made.token), "secret": made.secret}, f"{made.secret}\n", summary)


def _refuse_misplaced(arguments: argparse.Namespace) -> None:
    needs_word = arguments.action != "list"
    if needs_word != bool(arguments.who):
        what = "USER" if arguments.action == "create" else "NAME"
        needed = f"needs a {what}" if needs_word else "takes no word after it"
        raise usage_error(f"`pannier serve token {arguments.action}` {needed}")
    limits = arguments.name or arguments.project or arguments.may or arguments.expires
    if limits and arguments.action != "create":
        raise usage_error("`--name`, `--project`, `--may` and `--expires` belong to `create`")


def _data(token: "Token") -> dict[str, object]:
    return {name: value for name, value in token._asdict().items() if name != "digest"}


def _table(tokens: "tuple[Token, ...]", style: Style) -> str:
    if not tokens:
        return ""
    rows = [
        (
            token.name,
            token.user,
            ", ".join(token.projects),
            ", ".join(token.may),
            token.created[:10],
            token.expires[:10],
        )
        for token in tokens
    ]
    return format_table(("name", "user", "projects", "may", "created", "expires"), rows, style)

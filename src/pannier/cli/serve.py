"""`pannier serve`: a private package index over directories of distributions."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome
from pannier.cli.errors import suggestion, usage_error
from pannier.cli.render import printable

if TYPE_CHECKING:
    from pannier.api.setting_names import SettingInfo
    from pannier.server.settings import ServeSettings

DESCRIPTION = """Serve a private package index over directories of wheels and sdists.

pip, uv, poetry and every other client of the Simple API can install from it. What is copied into a
directory appears, what is removed from it vanishes: the files are the truth.

A second word does something else with an index; each has a help of its own.

  passwd  give a user a password in a password file
  token   make, list and revoke tokens to publish with
  yank    keep releases out of new installs
  remove  remove releases from an index
  status  say how a project of an index is doing
  clean   remove what an index fetched from its upstream
  export  write an index as static files for any web server"""
EXAMPLES = (
    ("pannier serve packages/", "serve what is in packages/, read-only"),
    ("pannier serve packages/ --htpasswd .htpasswd -i 0.0.0.0", "let users publish, from other machines too"),
    (
        "pannier serve packages/ --upstream https://index.example/simple/",
        "and everything else through a cache",
    ),
    ("pannier serve packages/ --workers 4 --trusted-proxies 127.0.0.1", "behind nginx, on four cores"),
    ("pannier serve --migrate-from-pypiserver 'run -p 80 -P .htpasswd packages'", "come from pypiserver"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier serve`."""
    from pannier.api.setting_names import VERB_TABLES

    parser.add_argument("places", metavar="DIR", nargs="*", help="where the distributions are")
    parser.add_argument(
        "--migrate-from-pypiserver",
        dest="migrate",
        metavar="ARGV",
        help="print this command for a command line of pypiserver's, and serve nothing",
    )
    for name, info in VERB_TABLES["serve"].items():
        if info.metavar or info.kind == "flag":
            add_setting(parser, name, info)


def add_setting(parser: argparse.ArgumentParser, name: str, info: "SettingInfo") -> None:
    """Declare a setting's option."""
    options = info.options or (f"--{name}",)
    about = info.about[0].lower() + info.about[1:].rstrip(".")
    field = name.replace("-", "_")
    if info.kind == "flag":
        parser.add_argument(*options, dest=field, action="store_true", default=None, help=about)
    elif info.kind == "list":
        parser.add_argument(*options, dest=field, metavar=info.metavar, action="append", help=about)
    else:
        kind = int if info.kind == "number" else str
        parser.add_argument(*options, dest=field, metavar=info.metavar, type=kind, help=about)


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Serve until told to stop."""
    from pannier import api

    if arguments.migrate is not None:
        from pannier.cli.pypiserver import format_migration, migrate, migration_data

        migration = migrate(arguments.migrate)
        return Outcome(data=migration_data(migration), text=format_migration(migration))
    _refuse_misspelt_verb(arguments.places)
    settings = api.serve_settings(arguments.places, context.load_settings())

    def started(url: str) -> None:
        if not arguments.quiet:
            sys.stderr.write(format_start(url, settings))
            sys.stderr.flush()

    api.serve(settings, started)
    return Outcome(data={})


def _refuse_misspelt_verb(places: list[str]) -> None:
    """A second word that is nearly one of ours, and no directory, was meant as such."""
    from pannier.cli.main import SUBVERBS

    if not places or Path(places[0]).exists():
        return
    known = [words.split()[1] for words in SUBVERBS if words.startswith("serve ")]
    hint = suggestion(places[0], known)
    if hint:
        raise usage_error(
            f"there is no verb `serve {places[0]}`, and no directory of that name",
            hint=hint,
            verbs=", ".join(known),
        )


def format_start(url: str, settings: "ServeSettings") -> str:
    """What to say when the index listens: where it is, how to install from it, and who may publish."""
    served = ", ".join(str(path) for path in settings.directories)
    lines = [
        f"serving {served} at {url}/ (Ctrl-C stops)",
        f"  install:  pip install --index-url {url}/simple/ PROJECT",
        f"            uv pip install --index-url {url}/simple/ PROJECT",
    ]
    if settings.htpasswd or not settings.authenticate:
        lines.append(f"  publish:  twine upload --repository-url {url}/ dist/*")
    else:
        lines.append("  publish:  copy files into the directory; with --htpasswd FILE, users can upload")
    return printable("\n".join(lines)) + "\n"

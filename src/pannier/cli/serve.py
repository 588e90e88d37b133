"""`pannier serve`: a private package index over directories of distributions."""

import argparse
from pathlib import Path

from pannier.cli.commands import Context, Outcome

DESCRIPTION = """Serve a private package index over directories of wheels and sdists.

pip, uv, poetry and every other client of the Simple API can install from it. What is copied into a
directory appears, what is removed from it vanishes: the files are the truth."""
EXAMPLES = (("pannier serve packages/", "serve what is in packages/, read-only"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier serve`."""
    parser.add_argument("directories", metavar="DIR", nargs="+", help="where the distributions are")
    parser.add_argument("-p", "--port", type=int, default=8080, help="port to listen on")
    parser.add_argument("-i", "--host", default="127.0.0.1", help="address to listen on")


def execute(arguments: argparse.Namespace, _: Context) -> Outcome:
    """Serve until told to stop."""
    from pannier import api
    from pannier.server.settings import ServeSettings

    settings = ServeSettings(
        directories=tuple(Path(text).absolute() for text in arguments.directories),
        host=arguments.host,
        port=arguments.port,
    )
    api.serve(settings)
    return Outcome(data={})

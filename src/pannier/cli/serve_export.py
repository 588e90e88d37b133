"""`pannier serve export`: the whole index as static files."""

import argparse
from pathlib import Path

from pannier.cli.commands import Context, Outcome
from pannier.cli.parsing import add_served_directory
from pannier.cli.render import format_count, printable

DESCRIPTION = """Write the whole index as static files, which any web server or object store can serve.

OUTPUT gets simple/ with a page for each project in HTML and JSON, and packages/ with the distributions and
their metadata. All links are relative. Exporting again writes what has changed and removes what is gone."""
EXAMPLES = (
    ("pannier serve export /srv/www/index -d packages/", "pages for nginx; files are hard links"),
    ("pannier serve export index --files copy --gzip", "a tree to copy elsewhere, pages compressed too"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier serve export`."""
    parser.add_argument("output", metavar="OUTPUT", help="where to write: nothing, or an earlier export")
    parser.add_argument(
        "--files",
        choices=("link", "symlink", "copy"),
        default="link",
        help="how distributions get there: hard links (the default; copies across file systems), symbolic "
        "links or copies",
    )
    parser.add_argument(
        "--gzip", action="store_true", help="write each page as .gz too, for nginx's gzip_static"
    )
    add_served_directory(parser)


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Export, and say what there is."""
    from pannier import api

    settings = api.serve_settings(arguments.served, context.load_settings())
    output = Path(arguments.output)
    done = api.index_export(settings, output, arguments.files, arguments.gzip, context.reporter)
    summary = (
        f"{output}: {format_count(done.projects, 'project')}, {format_count(done.files, 'file')}; "
        f"wrote {done.written}, removed {done.removed}"
    )
    return Outcome(data={"output": str(output), **done._asdict()}, summary=printable(summary))

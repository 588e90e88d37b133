"""`pannier cache`: where the cache is, what it holds, and making it smaller."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome
from pannier.cli.errors import suggestion, usage_error
from pannier.cli.render import Style, format_count, format_size, format_table

if TYPE_CHECKING:
    from pannier.api import Settings
    from pannier.store.usage import KindUsage

DESCRIPTION = """Say where the cache is, what it holds, and clean it.

  dir    print the cache's directory
  info   show what it holds and how much space that takes
  clean  remove what can be made or fetched again

Cleaning never takes what a running command uses."""
EXAMPLES = (
    ("pannier cache dir", "where is it?"),
    ("pannier cache info", "what fills the disk?"),
    ("pannier cache clean --dry-run", "what would cleaning remove?"),
    ("pannier cache clean --unused 30", "remove what nothing has used for 30 days"),
    ("pannier cache clean layers prefixes", "remove these kinds only"),
)
KINDS = ("distributions", "built", "bytecode", "layers", "interpreters", "prefixes", "uv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier cache`."""
    parser.add_argument("action", choices=("dir", "info", "clean"), help="what to do")
    parser.add_argument(
        "kinds", metavar="KIND", nargs="*", default=[], help=f"clean only these: {', '.join(KINDS)}"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what clean would remove, and remove nothing"
    )
    parser.add_argument(
        "--unused",
        metavar="DAYS",
        type=int,
        default=0,
        help="clean only what nothing has used for this many days",
    )


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Do what was asked of the cache."""
    settings = context.load_settings()
    _refuse_misplaced(arguments)
    if arguments.action == "dir":
        root = str(settings.cache_root)
        return Outcome(data={"directory": root}, text=f"{root}\n")
    if arguments.action == "info":
        return _info(settings, context)
    return _clean(arguments, settings)


def _refuse_misplaced(arguments: argparse.Namespace) -> None:
    """Options of `clean` with another action are a mistake, not to be passed over."""
    given = arguments.kinds or arguments.dry_run or arguments.unused
    if arguments.action != "clean" and given:
        raise usage_error(
            f"`pannier cache {arguments.action}` takes no KIND, `--dry-run` or `--unused`",
            hint="`pannier cache clean` does",
        )
    wrong = [kind for kind in arguments.kinds if kind not in KINDS]
    if wrong:
        raise usage_error(
            f"the cache holds nothing of the kind `{wrong[0]}`",
            hint=suggestion(wrong[0], KINDS),
            kinds=", ".join(KINDS),
        )


def _info(settings: "Settings", context: Context) -> Outcome:
    from pannier import api

    usages = api.cache_usage(settings)
    data = _data(settings, usages)
    return Outcome(data=data, text=_format(usages, context.style))


def _clean(arguments: argparse.Namespace, settings: "Settings") -> Outcome:
    from pannier import api

    options = api.CleanOptions(kinds=tuple(arguments.kinds), unused_days=arguments.unused)
    removed = api.cache_clean(options, settings, arguments.dry_run)
    size = format_size(sum(usage.size for usage in removed))
    files = format_count(sum(usage.files for usage in removed), "file")
    summary = f"{'would remove' if arguments.dry_run else 'removed'} {files}, {size}"
    return Outcome(data={**_data(settings, removed), "dry_run": arguments.dry_run}, summary=summary)


def _data(settings: "Settings", usages: "Sequence[KindUsage]") -> dict[str, object]:
    return {
        "directory": str(settings.cache_root),
        "kinds": {usage.kind: {"files": usage.files, "size": usage.size} for usage in usages},
        "files": sum(usage.files for usage in usages),
        "size": sum(usage.size for usage in usages),
    }


def _format(usages: "Sequence[KindUsage]", style: Style) -> str:
    rows = [(usage.kind, str(usage.files), format_size(usage.size)) for usage in usages]
    total = (
        "total",
        str(sum(usage.files for usage in usages)),
        format_size(sum(usage.size for usage in usages)),
    )
    return format_table(("kind", "files", "size"), [*rows, total], style, right="files size")

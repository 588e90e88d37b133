"""`pannier cache`: where the cache is, what it holds, and making it smaller."""

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome
from pannier.cli.errors import suggestion, usage_error
from pannier.cli.render import Style, format_count, format_size, format_table, one_line

if TYPE_CHECKING:
    from pannier.api import Settings
    from pannier.store.usage import CacheKind, CleaningPlan, Usage

DESCRIPTION = """Say where the cache is, what it holds, and clean it.

  dir    print the cache's directory
  info   show what it holds and how much space that takes
  clean  remove what can be made or fetched again

What is kept: distributions as downloaded, wheels built here, byte code, layers of packs, copies of
interpreters, prefixes that packs were unpacked to, what uv keeps, pages of indexes, digests of
foreign tarballs, analyses.

Cleaning never takes what a running command uses."""
EXAMPLES = (
    ("pannier cache dir", "where is it?"),
    ("pannier cache info", "what fills the disk?"),
    ("pannier cache clean --dry-run", "what would cleaning remove?"),
    ("pannier cache clean", "remove all of that"),
    ("pannier cache clean layers prefixes", "remove these kinds only"),
)
# A copy of CACHE_KINDS of the store, which costs too much to load for help; a test compares the two.
KINDS: "tuple[CacheKind, ...]" = (
    "distributions",
    "built",
    "bytecode",
    "layers",
    "interpreters",
    "prefixes",
    "uv",
    "pages",
    "foreign",
    "analyses",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier cache`."""
    parser.add_argument(
        "action", metavar="ACTION", choices=("dir", "info", "clean"), help="what to do: dir, info or clean"
    )
    parser.add_argument(
        "kinds", metavar="KIND", nargs="*", default=[], help=f"clean only these: {', '.join(KINDS)}"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what clean would remove, and remove nothing"
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
    return _clean(arguments, settings, context)


def _refuse_misplaced(arguments: argparse.Namespace) -> None:
    """Options of `clean` with another action are a mistake, not to be passed over."""
    given = arguments.kinds or arguments.dry_run
    if arguments.action != "clean" and given:
        raise usage_error(
            f"`pannier cache {arguments.action}` takes no KIND and no `--dry-run`",
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


def _clean(arguments: argparse.Namespace, settings: "Settings", context: Context) -> Outcome:
    from pannier import api

    kinds: tuple[CacheKind, ...] = tuple(arguments.kinds) or KINDS
    done = api.cache_clean(kinds, settings, arguments.dry_run)
    data = {
        "directory": str(settings.cache_root),
        "removed": done.removed,
        "kept": done.kept,
        "size": done.size,
        "dry_run": arguments.dry_run,
    }
    text = _planned(done, context) if arguments.dry_run else ""
    return Outcome(data=data, text=text, summary=_summary(done, arguments.dry_run))


def _planned(plan: "CleaningPlan", context: Context) -> str:
    """What would go: how many entries of each kind, or each by its path."""
    if context.verbose:
        return "".join(f"{one_line(str(path))}\n" for path in plan.removed)
    counts = Counter(path.parent.name for path in plan.removed)
    rows = [(kind, str(counts[kind])) for kind in KINDS if counts[kind]]
    return format_table(("kind", "entries"), rows, context.style, right="entries") if rows else ""


def _summary(done: "CleaningPlan", dry_run: bool) -> str:
    removed = f"{format_count(len(done.removed), 'entry', 'entries')}, {format_size(done.size)}"
    kept = f"; kept {format_count(len(done.kept), 'entry', 'entries')} in use" if done.kept else ""
    return f"{'would remove' if dry_run else 'removed'} {removed}{kept}"


def _data(settings: "Settings", usages: "Sequence[Usage]") -> dict[str, object]:
    return {
        "directory": str(settings.cache_root),
        "kinds": {usage.kind: {"files": usage.files, "size": usage.size} for usage in usages},
        "files": sum(usage.files for usage in usages),
        "size": sum(usage.size for usage in usages),
    }


def _format(usages: "Sequence[Usage]", style: Style) -> str:
    rows = [(usage.kind, str(usage.files), format_size(usage.size)) for usage in usages]
    total = (
        "total",
        str(sum(usage.files for usage in usages)),
        format_size(sum(usage.size for usage in usages)),
    )
    return format_table(("kind", "files", "size"), [*rows, total], style, right="files size")

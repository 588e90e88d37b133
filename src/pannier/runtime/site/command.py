"""The commands on the server: `sh BUNDLE COMMAND`, `PREFIX/site COMMAND`. The only place here that prints."""

import argparse
import json
import os
import signal
import sys
from typing import Any, Callable, Dict, List, NoReturn, Tuple

from pannier.runtime.errors import ArchiveError, format_error

_USAGE_STATUS = 2
_ENVELOPE_VERSION = 1

_DESCRIPTION = """Named Python environments on a server without internet.

  sh BUNDLE install      check everything, build and test beside what is in force, then switch in one step
  sh BUNDLE install --dry-run     only check, and say what would be done

and afterwards, with or without a bundle (PREFIX/site is this program):

  PREFIX/site status     what is in force, and its packages
  PREFIX/site list       all generations
  PREFIX/site rollback   back to the generation before
  PREFIX/site verify     hold every installed file against the lock
  PREFIX/site clean      remove old generations; the one before stays
  PREFIX/site log        who did what when
"""
_EPILOG = """A generation is a set of environments that belong together. An installation makes a new one;
programs that run keep the files of theirs until they end.
Exit status: 0 done, 1 refused or failed, 2 wrong command line."""


def main(arguments: List[str], bundle: str = "", prefix: str = "") -> int:
    """Do one command; return the exit status.

    Args:
        arguments: Of the command line.
        bundle: The bundle that this comes from; empty without one.
        prefix: Where this is installed; empty when it comes from a bundle.
    """
    options = _make_parser(bundle, prefix).parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGHUP, _end) if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN else None
    # Now, for the files of this program may be gone afterwards.
    from .pages import PAGES

    try:
        result = _COMMANDS[options.command](options, bundle)
    except KeyboardInterrupt:
        return _fail(options, [ArchiveError("interrupted; nothing was changed", "interrupted")], 130)
    except ArchiveError as error:
        return _fail(options, [error], 1)
    except OSError as error:
        facts = {"because": error.strerror or str(error), "file": str(error.filename or "")}
        return _fail(options, [ArchiveError("this cannot be read or written", "storage", facts)], 1)
    except Exception as error:
        problems = getattr(error, "problems", None)
        if problems is None:
            raise
        return _fail(options, problems, 1)
    _print_result(options, result, PAGES)
    return 1 if options.command == "verify" and result["problems"] else 0


def _end(number: int, _frame: object) -> NoReturn:
    # Raised in the middle of whatever runs, so that everything is undone on the way out; only once.
    signal.signal(number, signal.SIG_IGN)
    sys.stderr.write("interrupted\n")
    sys.exit(128 + number)


def _make_parser(bundle: str, prefix: str) -> argparse.ArgumentParser:
    program = "sh " + bundle if bundle else os.path.join(prefix, "site")
    parser = argparse.ArgumentParser(
        prog=program,
        description=_DESCRIPTION.replace("BUNDLE", bundle or "BUNDLE"),
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(own_prefix=prefix)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True
    for name, text in _HELP.items():
        if name == "install" and not bundle:
            continue
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        command.add_argument("--prefix", metavar="DIR", default="", help="where the site is, or is to be")
        command.add_argument("--json", action="store_true", help="print one JSON object")
        _add_options(name, command)
    return parser


_HELP = {
    "install": "check the bundle and this machine, install beside what is in force, test, and switch",
    "status": "show what is in force, its environments and their packages",
    "list": "show all generations",
    "rollback": "put an earlier generation in force",
    "verify": "hold every installed file against the lock",
    "clean": "remove old generations and what only they used",
    "uninstall": "remove the site, its names and all its generations",
    "inventory": "print what this site has, for `pannier site bundle --since`",
    "log": "show who changed this site when",
}


def _add_options(name: str, command: argparse.ArgumentParser) -> None:
    if name == "install":
        _add_install_options(command)
    elif name == "rollback":
        command.add_argument("generation", nargs="?", type=int, help="its number; default: the one before")
    elif name == "clean":
        text = "how many generations to keep beside the one in force (1; the one before stays always)"
        command.add_argument("--keep", metavar="N", type=int, default=1, help=text)
    if name in ("install", "clean", "uninstall"):
        command.add_argument("--dry-run", action="store_true", help="change nothing, say what would be done")
    if name == "uninstall":
        command.add_argument("--force", action="store_true", help="also while programs of this site run")


def _add_install_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--bin", metavar="DIR", default="", help="where the interpreters' names go")
    text = "which Python to use for a version, as 3.6=/opt/python/bin/python3.6; may be repeated"
    add("--python", metavar="VERSION=PATH", action="append", default=[], type=_parse_python, help=text)
    text = "OpenSSH's file of trusted keys (PREFIX/.site/allowed_signers or /etc/pannier/allowed_signers)"
    add("--allowed-signers", metavar="FILE", default="", help=text)
    add("--require-signature", action="store_true", help="refuse a bundle that no trusted key has signed")
    text = "install only this environment, and keep the others as they are; may be repeated"
    add("--environment", metavar="NAME", action="append", default=[], help=text)
    add("--timeout", metavar="SECONDS", type=int, default=300, help="of each smoke test (300)")
    text = "replace names in bin that are not of this site, and install again what is in force already"
    add("--force", action="store_true", help=text)


def _parse_python(text: str) -> Tuple[str, str]:
    version, _, path = text.partition("=")
    if not path.startswith("/") or version.count(".") < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not VERSION=/PATH")
    return ".".join(version.split(".")[:2]), path


def _find_site(options: argparse.Namespace, bundle: str) -> Any:
    from .layout import Site

    prefix = options.prefix or options.own_prefix
    if not prefix:
        from .bundle import open_bundle

        opened = open_bundle(bundle)
        os.close(opened.descriptor)
        prefix = opened.manifest.prefix
    return Site(os.path.abspath(prefix))


def _install(options: argparse.Namespace, bundle: str) -> Dict[str, Any]:
    from .bundle import open_bundle
    from .checks import Options, make_plan
    from .installing import FailedError, install, is_in_force, summarize

    opened = open_bundle(bundle)
    chosen = Options(
        options.prefix or options.own_prefix,
        options.bin,
        dict(options.python),
        options.allowed_signers,
        options.require_signature,
        tuple(options.environment),
        options.force,
        options.timeout,
    )
    plan, problems = make_plan(opened, chosen)
    if problems:
        raise FailedError(problems)
    summary = summarize(opened, plan)
    summary["dry_run"] = options.dry_run
    summary["unchanged"] = not options.force and is_in_force(opened, plan)
    if options.dry_run or summary["unchanged"]:
        return summary
    say = _say_nothing if options.json else _say
    for note in plan.notes:
        say("note: " + note)
    generation = install(opened, plan, chosen, say)
    summary["generation"] = generation.number
    summary["log"] = plan.site.log
    return summary


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _say_nothing(_text: str) -> None:
    return


def _status(options: argparse.Namespace, bundle: str) -> Dict[str, Any]:
    from .reports import describe_status

    return describe_status(_find_site(options, bundle))


def _list(options: argparse.Namespace, bundle: str) -> Dict[str, Any]:
    from .layout import need_current
    from .reports import describe_generations

    site = _find_site(options, bundle)
    need_current(site)
    return {"prefix": site.prefix, "generations": describe_generations(site)}


def _rollback(options: argparse.Namespace, bundle: str) -> Dict[str, Any]:
    from .changing import rollback

    return rollback(_find_site(options, bundle), options.generation)


def _verify(options: argparse.Namespace, bundle: str) -> Dict[str, Any]:
    from .verifying import verify

    return verify(_find_site(options, bundle))


def _clean(options: argparse.Namespace, bundle: str) -> Dict[str, Any]:
    from .changing import clean

    return clean(_find_site(options, bundle), options.keep, options.dry_run)


def _uninstall(options: argparse.Namespace, bundle: str) -> Dict[str, Any]:
    from .changing import uninstall

    return uninstall(_find_site(options, bundle), options.dry_run, options.force)


def _inventory(options: argparse.Namespace, bundle: str) -> Dict[str, Any]:
    from .reports import describe_inventory

    return describe_inventory(_find_site(options, bundle))


def _log(options: argparse.Namespace, bundle: str) -> Dict[str, Any]:
    from .layout import read_log

    site = _find_site(options, bundle)
    return {"prefix": site.prefix, "entries": read_log(site)}


_COMMANDS = {
    "install": _install,
    "status": _status,
    "list": _list,
    "rollback": _rollback,
    "verify": _verify,
    "clean": _clean,
    "uninstall": _uninstall,
    "inventory": _inventory,
    "log": _log,
}


def _print_result(
    options: argparse.Namespace, result: Dict[str, Any], pages: Dict[str, Callable[[Dict[str, Any]], str]]
) -> None:
    if options.command == "inventory":
        # The document that `--since` reads, as it is.
        text = json.dumps(result, indent=1, sort_keys=True) + "\n"
    elif options.json:
        is_good = not (options.command == "verify" and result["problems"])
        text = _envelope(options.command, {"ok": is_good, "result": result}, result.get("notes", []))
    else:
        text = pages[options.command](result)
    sys.stdout.write(text)
    sys.stdout.flush()


def _envelope(command: str, content: Dict[str, Any], notes: List[str]) -> str:
    value = {"version": _ENVELOPE_VERSION, "command": command, "warnings": notes}
    value.update(content)
    return json.dumps(value, indent=2) + "\n"


def _fail(options: argparse.Namespace, problems: List[ArchiveError], status: int) -> int:
    if options.json:
        errors = [
            {"message": one.message, "code": one.code, "facts": one.facts, "hint": one.hint}
            for one in problems
        ]
        content = {"ok": False, "error": errors[0], "errors": errors}
        sys.stdout.write(_envelope(options.command, content, []))
        return status
    sys.stdout.flush()
    for problem in problems:
        sys.stderr.write(format_error(problem))
    if len(problems) > 1:
        sys.stderr.write(f"{len(problems)} problems; nothing was changed\n")
    return status

"""`pannier release`: a project onto an index, checked, verified and tagged."""

import argparse
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome
from pannier.cli.parsing import parse_python
from pannier.cli.render import format_size, printable

if TYPE_CHECKING:
    from pannier.api import ReleaseResult, ReleaseStep

DESCRIPTION = """Release a project to a package index: check that it is ready, build sdist and wheel, check
them, upload them, verify what the index then serves, and tag the commit.

  read    name, version, changelog; is the git tree clean and pushed?
  build   the sdist, and the wheel from it, the same bytes every time
  check   twine's checks, metadata, stray files; the wheel installs and imports
  upload  what the index has not; the same bytes again are no error
  verify  the index's page, hashes, metadata and one download
  tag     an annotated tag, signed where git is set up for that

Nothing is uploaded unless everything before is in order, and every problem is told at once. A release
that was interrupted is completed by running the same command again.

The index is an [index.NAME] of pannier.toml, or a section of ~/.pypirc. Its password or token comes from
PANNIER_INDEX_NAME_PASSWORD, .pypirc, the keyring or netrc, and is never shown."""
EXAMPLES = (
    ("pannier release --dry-run", "is it ready? builds and checks, uploads and tags nothing"),
    ("pannier release --index particle", "release to the index that is called particle"),
    ("pannier release --index particle --push", "and push the tag"),
    ("pannier release old-project --index particle --changelog none", "one without a changelog"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier release`."""
    parser.add_argument(
        "project", metavar="DIR", nargs="?", default=".", help="the project's directory (default: this one)"
    )
    parser.add_argument("--index", metavar="NAME", help="the index to release to")
    parser.add_argument(
        "--dry-run", action="store_true", help="read, build and check; say what would be uploaded and tagged"
    )
    parser.add_argument(
        "--push", action="store_true", default=None, help="push the tag to the remote that the branch tracks"
    )
    _add_project_options(parser)
    parser.add_argument(
        "--pypirc", metavar="FILE", help="read this .pypirc, not the one in the home directory"
    )


def _add_project_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is checked")
    group.add_argument(
        "--changelog", metavar="FILE", help="the changelog, where its name does not tell; `none` for none"
    )
    group.add_argument(
        "--tag-format", metavar="FORMAT", help="the tag, such as {name}-{version} (default: v{version})"
    )
    group.add_argument(
        "--allow-top-level",
        metavar="NAME",
        action="append",
        help="let the wheel install this beside the project's modules, such as tests; may be repeated",
    )
    group.add_argument(
        "--no-strict",
        dest="strict",
        action="store_false",
        default=None,
        help="let a missing README pass `twine check`",
    )
    group.add_argument(
        "--skip-import",
        action="store_true",
        help="do not install and import the wheel, where it needs what this machine lacks",
    )
    group.add_argument(
        "--python",
        metavar="VERSION",
        type=parse_python,
        help="build and try it with this Python (default: one that it is for)",
    )


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Release, each step on a line of its own when it is over."""
    from pannier import api

    directory = context.directory / arguments.project
    options = api.ReleaseOptions(
        directory=directory, dry_run=arguments.dry_run, skip_import=arguments.skip_import
    )
    settings = api.load_settings(context.flags, context.environ, directory)
    quiet = arguments.quiet or context.json
    steps: list[ReleaseStep] = []

    def show(step: "ReleaseStep") -> None:
        steps.append(step)
        if not quiet:
            name = context.reporter.style.paint(f"{step.name:7}", "bold")
            context.reporter.write(f"{name} {printable(step.told)}\n")

    result = api.release(options, settings, context.reporter, show)
    data = _data(result) | {"steps": [step._asdict() for step in steps]}
    return Outcome(data=data, summary=printable(_summary(result)))


def _data(result: "ReleaseResult") -> dict[str, object]:
    return {
        "name": result.name,
        "version": result.version,
        "index": result.index,
        "distributions": [
            {"filename": one.filename, "kind": one.kind, "size": one.size, "sha256": one.sha256}
            for one in result.distributions
        ],
        "uploaded": result.uploaded,
        "present": result.present,
        "commit": result.commit,
        "tag": result.tag,
        "tagged": result.tagged,
        "pushed": result.pushed,
        "dry_run": result.dry_run,
    }


def _summary(result: "ReleaseResult") -> str:
    what = f"{result.name} {result.version}"
    size = format_size(sum(one.size for one in result.distributions))
    if result.dry_run:
        return f"{what}: ready to be released, {size}; nothing was uploaded or tagged"
    if not result.uploaded and not result.tagged and not result.pushed:
        return f"{what}: was released to `{result.index}` before, nothing was left to do"
    return f"{what}: released to `{result.index}`, {size}"

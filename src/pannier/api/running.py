"""`run`: the launcher's command line for a pack or a directory."""

from collections.abc import Mapping, Sequence
from importlib import resources

from pannier.api.settings import Settings


def run_arguments(
    environment: str, command: Sequence[str], settings: Settings, json: bool = False
) -> tuple[list[str], Mapping[str, str]]:
    """Tell what to execute so that `command` runs in the pack or directory `environment`.

    The launcher is a shell script; executing it in place of this process leaves nothing between the caller
    and the command, so exit status, signals and streams are the command's own.

    Args:
        environment: A pack file or an unpacked prefix.
        command: The command and its arguments; empty for the packed program.
        settings: The settings in force; the cache directory is handed on.

        json: Say as JSON why the command could not be started.

    Returns:
        The argument vector, whose first word is the executable, and the environment variables.
    """
    launcher = resources.files("pannier.runtime") / "launcher.sh"
    environ = dict(settings.environ)
    if settings.cache_dir:
        environ["PANNIER_CACHE_DIR"] = str(settings.cache_root)
    options = ["--json", "--program"] if json else ["--program"]
    return ["/bin/sh", str(launcher), *options, "-e", environment, "--", *command], environ

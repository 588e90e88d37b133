"""How a command of ours begins and ends: streams, signals and exit statuses."""

import io
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import NoReturn

from pannier.cli.errors import TRACEBACK_VARIABLE, from_system_error, from_unexpected
from pannier.model.errors import PannierError, StorageError

INTERRUPTED = 130  # 128 + SIGINT, what a shell reports
BROKEN_PIPE = 141  # 128 + SIGPIPE, likewise


def prepare() -> None:
    """Let any character be printed in any locale, and let SIGTERM and SIGHUP leave nothing half-made."""
    _open_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    for number in (signal.SIGTERM, signal.SIGHUP):
        # A `nohup` of the caller's stays in force.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        # As it was while modules were loaded: see `start`.
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _open_closed_streams() -> None:
    """Open nowhere in place of a standard stream that the caller closed.

    Its number would go to the next file opened, and what we or a command print would go into that.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor != number:
            os.dup2(descriptor, number)
            os.close(descriptor)
        stream = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115 - stays
        setattr(sys, name, stream)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """Unwind, so that temporary files go; the default action would leave them."""
    del frame
    raise SystemExit(128 + number)


def guard(
    action: Callable[[], int],
    show: Callable[[PannierError], None],
    *,
    argv: Sequence[str],
    environ: Mapping[str, str],
) -> int:
    """Run `action`; whatever it raises becomes an exit status, and `show` hears what the user should know."""
    try:
        status = action()
        sys.stdout.flush()
    except SystemExit as leaving:  # argparse has shown its help
        return leaving.code if isinstance(leaving.code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the last resort of the process
        return _report(error, show, argv, environ)
    return status


def _report(
    error: Exception, show: Callable[[PannierError], None], argv: Sequence[str], environ: Mapping[str, str]
) -> int:
    if environ.get(TRACEBACK_VARIABLE):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    shown = _understood(error, argv)
    try:
        show(shown)
        sys.stdout.flush()
    except OSError:  # nobody reads, or what reads is full
        _drop_output()
    return shown.exit_status


def write_output(text: str) -> None:
    """Write what was asked for to standard output, whole.

    Raises:
        StorageError: It goes to a file, and the disk is full.
        BrokenPipeError: Nobody reads it.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_output()
        raise StorageError(
            "standard output cannot be written",
            code="output-not-written",
            facts={"reason": error.strerror or str(error)},
            hint="see where it is redirected to, and whether there is space",
        ) from error


def _understood(error: Exception, argv: Sequence[str]) -> PannierError:
    if isinstance(error, PannierError):
        return error
    return from_system_error(error) if isinstance(error, OSError) else from_unexpected(error, argv)


def _drop_output() -> None:
    """Point standard output nowhere, so that the interpreter's last flush meets no closed pipe."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - os.devnull is a string
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                try:
                    os.dup2(nowhere.fileno(), stream.fileno())
                except (OSError, ValueError):  # no descriptor behind it, or closed already
                    continue

"""Where the process of the `pannier` command begins and ends: around all of its modules."""

import gc
import signal

# Modules are made of objects that stay. Python looks for garbage among them after each few hundred, which is
# a seventh of the time that it takes to start.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def main() -> int:
    """Run the `pannier` command on the arguments of the process, and return the exit status."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    # An interrupt while modules are loaded ends the process as the system does it, and shows no traceback;
    # `prepare` takes it from there. One that the caller ignores stays ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    from pannier.cli.main import main as run

    status = run()
    gc.freeze()  # the system takes all memory back at once; Python would look through it twice more before
    return status

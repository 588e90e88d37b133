"""The file that somebody meant who names one that is not there."""

import os


def spelling_hint(path: str | os.PathLike[str], otherwise: str = "check the path and its spelling") -> str:
    """Name the file or directory whose name is nearest to that of `path`, which does not exist.

    Args:
        path: As the user wrote it.
        otherwise: The hint where no name is near.
    """
    import difflib

    directory, name = os.path.split(os.path.normpath(path))
    try:
        there = os.listdir(directory or os.curdir)
    except OSError:
        there = []
    nearest = difflib.get_close_matches(name, there, n=1, cutoff=0.75)
    if not nearest:
        return otherwise
    return f"did you mean `{os.path.join(directory, nearest[0])}`?"

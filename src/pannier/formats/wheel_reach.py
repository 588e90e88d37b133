"""Which versions of Python a wheel's tags let it run on (PEP 425)."""

import re

from pannier.formats.python_reach import Reach


def wheel_reach(filename: str, own_minor: int) -> Reach | None:
    """Say which minors a wheel runs on; `None` for all.

    Args:
        filename: Of the wheel, valid.
        own_minor: Of the Python it was chosen for.
    """
    pythons, abis = filename.removesuffix(".whl").split("-")[-3:-1]
    firsts = [int(tag[3:]) for tag in pythons.split(".") if re.fullmatch(r"(cp|py)3\d+", tag)]
    if "none" in abis.split("."):
        if "py3" in pythons.split("."):
            return None
        of_generic = [int(tag[3:]) for tag in pythons.split(".") if re.fullmatch(r"py3\d+", tag)]
        if of_generic:
            return Reach(min(of_generic), None)
    elif "abi3" in abis.split(".") and firsts:
        return Reach(min(firsts), None)
    return Reach(own_minor, own_minor + 1)

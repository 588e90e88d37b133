"""Versions of Debian and RPM packages from those of Python projects (PEP 440), in the same order.

Debian Policy 5.6.12; rpm-version(7). The numbers stay as the project writes them. Local versions come after
the version they belong to, in no promised order among themselves.
"""

from typing import NamedTuple


class RpmVersion(NamedTuple):
    """The version of an RPM package.

    Attributes:
        epoch: 0 for none.
        version: The tag of that name.
    """

    epoch: int
    version: str


def is_version(text: str) -> bool:
    """Tell whether a text is a version of PEP 440."""
    from packaging.version import InvalidVersion, Version

    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def debian_version(version: str, revision: str) -> str:
    """Write a version of PEP 440 as Debian's: `1.2rc1` is `1.2~rc1-1`.

    Args:
        version: What `is_version` says is one.
        revision: Of the package made from it.
    """
    epoch, text = _ordered(version, after="+")
    return (f"{epoch}:" if epoch else "") + f"{text}-{revision}"


def rpm_version(version: str) -> RpmVersion:
    """Write a version of PEP 440 as RPM's: `1.2.post1` is `1.2^post1`."""
    return RpmVersion(*_ordered(version, after="^"))


def _ordered(version: str, after: str) -> tuple[int, str]:
    """The epoch and the rest; `~` sorts before the end of a version, `after` between that and a dot."""
    from packaging.version import Version

    parsed = Version(version)
    text = ".".join(map(str, parsed.release))
    if parsed.pre is not None:
        text += f"~{parsed.pre[0]}{parsed.pre[1]}"
    if parsed.post is not None:
        text += f"{after}post{parsed.post}"
    if parsed.dev is not None:
        # Of one release the development versions come before the alphas.
        text += f"~dev{parsed.dev}" if "~" in text or after in text else f"~~dev{parsed.dev}"
    if parsed.local is not None:
        text += f"+{parsed.local}"
    return parsed.epoch, text

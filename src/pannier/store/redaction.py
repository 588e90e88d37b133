"""Keeps secrets in URLs out of messages."""

import re

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_SECRET_PARAMETER = re.compile(
    r"(?i)([?&](?:[a-z0-9-]*(?:token|signature|credential|password|key)|sig)=)[^&\s#]+"
)


def redact(text: str) -> str:
    """Replace user names, passwords and tokens in every URL of `text` by `****`."""
    return _SECRET_PARAMETER.sub(r"\1****", _CREDENTIALS.sub("****@", text))

"""Keeps secrets in URLs out of messages."""

import re

# Compiled when there is something to say: every command loads this, and few fail.
_CREDENTIALS = r"(?<=://)[^/@\s]+@"
_TELLING_PARAMETER = r"(?i)([?&](?:[a-z0-9-]*(?:token|signature|credential|password|key)|sig)=)[^&\s#]+"


def redact(text: str) -> str:
    """Replace user names, passwords and tokens in every URL of `text` by `****`."""
    return re.sub(_TELLING_PARAMETER, r"\1****", re.sub(_CREDENTIALS, "****@", text))

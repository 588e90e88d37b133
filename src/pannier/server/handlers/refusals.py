"""What clients are told of a request that cannot be done."""

import errno
import logging
from collections.abc import Sequence

from pannier.model.errors import DistributionError, Fact, PannierError, RequestError, StorageError
from pannier.server.messages import Request, Response, respond
from pannier.server.uploads.changes import NothingFoundError
from pannier.server.uploads.publishing import ConflictError

_log = logging.getLogger("pannier.server")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOT_OURS = (errno.EACCES, errno.EPERM, errno.EROFS)


def refuse(request: Request, error: PannierError | OSError) -> Response:
    """The response to a request that failed; what the client cannot mend or will not read is raised again.

    Raises:
        OSError: Something is wrong with the server, or the client is gone.
    """
    if isinstance(error, OSError):
        if error.errno in _NOT_OURS:
            _log.error(
                "%s %s: the user that runs this server may not write there: %s",
                request.method,
                request.path,
                error,
            )
            return respond(
                500, "the server may not write in the directory of this index; tell whoever runs it\n"
            )
        if error.errno not in _FULL:
            raise error
        return respond(507, "the index has no space left\n")
    return respond(_status(request, error), describe(error))


def _status(request: Request, error: PannierError) -> int:
    if isinstance(error, ConflictError):
        # What twine looks for; everybody else is told what it is.
        return 400 if request.headers.get("user-agent", "").startswith("twine/") else 409
    if isinstance(error, NothingFoundError):
        return 404
    if isinstance(error, StorageError):
        return 507
    if error.code == "upload-too-large":
        return 413
    return 400 if isinstance(error, RequestError | DistributionError) else 500


def describe(error: PannierError) -> str:
    """An error as text: the sentence, the facts, and what to do."""
    lines = [error.message, *(f"  {name}: {_shown(value)}" for name, value in error.facts.items())]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return "".join(f"{line}\n" for line in lines)


def _shown(fact: Fact) -> str:
    if isinstance(fact, str):
        return fact
    values: Sequence[str] = fact
    return ", ".join(values)

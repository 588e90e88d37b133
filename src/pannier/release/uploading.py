"""Uploading a distribution to an index, through twine: the legacy upload API, every digest sent."""

import contextlib
import io
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pannier.model.errors import ReleaseError
from pannier.model.release import Distribution, ReleaseIndex

if TYPE_CHECKING:
    from requests import Response

_ATTEMPTS = 4
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_SHOWN = 300


def upload(
    distribution: Distribution,
    index: ReleaseIndex,
    arrived: Callable[[], bool],
    *,
    certificate: str = "",
    pause: float = 1.0,
) -> None:
    """Upload a distribution; what fails on the way is tried again.

    Args:
        distribution: What to upload.
        index: Where to.
        arrived: Asks the index whether it has it, with the same bytes: an answer may be lost after an upload.
        certificate: File of the certificate authorities to trust; empty for the usual ones.
        pause: Seconds before the second attempt; doubled each time.

    Raises:
        ReleaseError: The index refused it, or could not be reached.
    """
    for attempt in range(_ATTEMPTS):
        response, reason = _post(distribution, index, certificate)
        if response is not None and response.status_code in (200, 201, 204):
            return
        is_passing = response is None or response.status_code in _PASSING
        # 400 and 409 may be the answer to what the attempt before has brought.
        if (is_passing or attempt) and arrived():
            return
        if not is_passing or attempt == _ATTEMPTS - 1:
            raise _failure(distribution, index, response, reason)
        time.sleep(pause * 2**attempt)


def _post(distribution: Distribution, index: ReleaseIndex, certificate: str) -> "tuple[Response | None, str]":
    """Post it once; the answer, if there is one, and what it or the network says."""
    import requests
    from twine.exceptions import TwineException
    from twine.package import PackageFile
    from twine.repository import Repository

    logging.getLogger("twine").addHandler(logging.NullHandler())  # what it warns of, we say
    repository = Repository(index.upload_url, *_known(index), disable_progress_bar=True)
    repository.set_certificate_authority(certificate or None)
    try:
        # Twine prints what it does; that is ours to say.
        with contextlib.redirect_stdout(io.StringIO()):
            package = PackageFile.from_filename(str(distribution.path), comment=None)
            response = repository.upload(package, max_redirects=1)
    except requests.RequestException as error:
        return None, str(error)
    except TwineException as error:
        raise _failure(distribution, index, None, str(error)) from None
    finally:
        repository.close()
    return response, _told(response)


def _known(index: ReleaseIndex) -> tuple[str | None, str | None]:
    """User and password; `None` has requests look into netrc."""
    credentials = index.credentials
    return (credentials.username, credentials.password) if credentials.password else (None, None)


def _told(response: "Response") -> str:
    """What an answer says: its reason, and the beginning of its text."""
    if response.is_redirect:
        return f"{response.status_code}: it redirects to {response.headers.get('Location', '')}"
    is_text = "html" not in response.headers.get("Content-Type", "text/plain")
    text = " ".join(response.text.split())[:_SHOWN] if is_text else ""
    return f"{response.status_code} {response.reason}" + (
        f": {text}" if text and text != response.reason else ""
    )


def _failure(
    distribution: Distribution, index: ReleaseIndex, response: "Response | None", reason: str
) -> ReleaseError:
    status = response.status_code if response is not None else 0
    facts = {"index": f"{index.name}, {index.upload_url}", "answer": reason}
    if status in (401, 403):
        known = index.credentials
        facts["user"] = known.username or "none known"
        variable = "".join(letter if letter.isalnum() else "_" for letter in index.name.upper())
        return ReleaseError(
            f"the index `{index.name}` does not let this user upload",
            code="upload-credentials",
            facts=facts,
            hint=f"put the right password into `PANNIER_INDEX_{variable}_PASSWORD`, the keyring or `.pypirc`",
        )
    return ReleaseError(
        f"`{distribution.filename}` could not be uploaded to `{index.name}`",
        code="upload-failed",
        facts=facts,
        hint="run the same command again when it can: what is there already is not uploaded twice",
    )

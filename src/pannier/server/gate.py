"""The gate: who asks, by password or token, and whether they may."""

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from pannier.model.errors import UsageError
from pannier.server.accounts import TOKEN_USER, Credentials, Passwords, WatchedFile, parse_authorization
from pannier.server.messages import ANONYMOUS, Identity, Request, Response, Right, respond
from pannier.server.rights import Grants, parse_protected, parse_rights
from pannier.server.services import Gate, ReadOnlyGate, Verdict
from pannier.server.settings import ServeSettings
from pannier.server.tokens import Tokens

# What distutils' `register` was made for: it has no password for another realm.
CHALLENGE = 'Basic realm="pypi", charset="UTF-8"'


class UserGate:
    """Lets users in by password or token, to what they are granted.

    Args:
        passwords: The password file; `None` where only tokens are used.
        tokens: The tokens.
        protected: The rights that take signing in; the others everybody has.
        grants: The file of rights; `None` grants everything to all who sign in.
    """

    def __init__(
        self,
        passwords: Passwords | None,
        tokens: Tokens,
        protected: frozenset[str],
        grants: WatchedFile[Grants] | None = None,
    ) -> None:
        self._passwords = passwords
        self._tokens = tokens
        self._protected = protected
        self._file = grants
        # Passwords are checked one after the other, so a second thread would only wait.
        self._checker = ThreadPoolExecutor(1, thread_name_prefix="passwords")

    def check(self, request: Request, right: Right, project: str) -> Verdict | Awaitable[Verdict]:
        """Who asks, when they may do it; otherwise the response that refuses."""
        if right == "open" or right not in self._protected:
            return request.identity
        credentials = parse_authorization(request.headers.get("authorization", ""))
        if credentials is None:
            return unauthorized("sign in with a user name and a password, or `__token__` and a token")
        if credentials.user == TOKEN_USER:
            return self._judge(self._find_token(credentials.secret), right, project)
        if self._passwords is None:
            return unauthorized("this index takes tokens only: the user name is `__token__`")
        if self._passwords.is_remembered(*credentials):
            return self._judge(self._identity(credentials.user), right, project)
        return self._check_slowly(credentials, right, project)

    def permits(self, identity: Identity, right: Right, project: str) -> bool:
        """Whether somebody whom `check` let in may do this to a project."""
        if right == "open" or right not in self._protected:
            return True
        if identity.token and not any(
            token.name == identity.token and token.grants(right, project) for token in self._tokens.list()
        ):
            return False
        return self._grants().allows(identity, right, project)

    def is_limited(self, identity: Identity, right: Right) -> bool:
        """Whether somebody has a right on some projects only, so that each has to be asked for."""
        if right == "open" or right not in self._protected:
            return False
        return bool(identity.token) or self._grants().is_limited(identity, right)

    async def _check_slowly(self, credentials: Credentials, right: Right, project: str) -> Verdict:
        assert self._passwords is not None
        loop = asyncio.get_running_loop()
        is_right = await loop.run_in_executor(self._checker, self._passwords.check, *credentials)
        identity = self._identity(credentials.user) if is_right else ANONYMOUS
        return self._judge(identity, right, project)

    def _find_token(self, secret: str) -> Identity:
        token = self._tokens.find(secret, datetime.now(UTC))
        if token is None or (self._passwords is not None and token.user not in self._passwords.hashes()):
            return ANONYMOUS
        return self._identity(token.user)._replace(token=token.name)

    def _identity(self, user: str) -> Identity:
        return self._grants().identity(user)

    def _grants(self) -> Grants:
        return self._file.read() if self._file else Grants()

    def _judge(self, identity: Identity, right: Right, project: str) -> Verdict:
        if not identity.name:
            return unauthorized("the user name, the password or the token is not right")
        if not self.permits(identity, right, project):
            return forbidden(identity, right, project)
        return identity


def unauthorized(reason: str) -> Response:
    """The answer to who has not said who they are, or not rightly."""
    return respond(401, f"{reason}\n", www_authenticate=CHALLENGE)


def forbidden(identity: Identity, right: Right, project: str) -> Response:
    """The answer to who is known and may not."""
    who = f"token {identity.token} of {identity.name}" if identity.token else identity.name
    what = f"{right} {project}" if project else right
    return respond(403, f"{who} may not {what} here\n")


def make_gate(settings: ServeSettings, tokens: Tokens) -> Gate:
    """The gate that the settings ask for.

    Args:
        settings: Of the server.
        tokens: Those of the index.

    Raises:
        UsageError: They ask for signing in, and there is nothing to sign in with; or a file cannot be read.
        SpecError: The file of rights is not valid.
    """
    protected = parse_protected(settings.authenticate)
    grants = _open_grants(settings.rights)
    if settings.htpasswd and not Path(settings.htpasswd).is_file():
        raise UsageError(
            f"there is no password file `{settings.htpasswd}`",
            code="no-password-file",
            hint="make it with `pannier serve passwd`, or with Apache's `htpasswd -B`",
        )
    if not settings.htpasswd and not tokens.exist() and protected:
        if protected - {"update", "remove"}:
            raise UsageError(
                "users cannot sign in without a password file",
                code="no-password-file",
                facts={"to be signed in for": ", ".join(sorted(protected))},
                hint="name one with `--htpasswd`",
            )
        return ReadOnlyGate()
    passwords = _open_passwords(settings.htpasswd) if settings.htpasswd else None
    return UserGate(passwords, tokens, protected, grants)


def _open_passwords(name: str) -> Passwords:
    """The password file, found to be readable."""
    passwords = Passwords(Path(name))
    try:
        passwords.hashes()
    except (OSError, ValueError) as error:
        raise _unreadable("password file", name, error) from error
    return passwords


def _unreadable(what: str, name: str, error: OSError | ValueError) -> UsageError:
    return UsageError(
        f"the {what} `{name}` cannot be read",
        code="not-readable",
        facts={"reason": (error.strerror if isinstance(error, OSError) else "") or str(error)},
        hint="the user that runs the server has to be able to read it",
    )


def _open_grants(name: str) -> WatchedFile[Grants] | None:
    """The file of rights, found to be valid."""
    if not name:
        return None
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"there is no file of rights `{name}`", code="rights-invalid")
    grants = WatchedFile(path, lambda text: parse_rights(text, where=name))
    try:
        grants.read()
    except (OSError, ValueError) as error:
        raise _unreadable("file of rights", name, error) from error
    return grants

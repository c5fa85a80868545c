"""Poll requests of the usual form, read from the WSGI environment."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from api.auth import tokens
from api.auth.authentication import TokenViewer
from api.auth.tokens import AccessClaims
from api.problems.registry import Problem

MAX_HEADER_LENGTH = 512
"""Characters of a header up to which what follows from it is kept."""
_PATH = re.compile(r"/tasks/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_QUERY = re.compile(
    r"(?:wait=(?P<wait>[0-9]{1,6}))?(?:(?:^|&)progress=(?P<progress>true|false))?"
)
_BEARER = "Bearer "

Environment = dict[str, Any]


class EnvironmentHeaders(Mapping[str, str]):
    """The request's headers by their HTTP names, looked up in the WSGI environment."""

    def __init__(self, environ: Environment) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        value: str = self._environ[f"HTTP_{name.upper().replace('-', '_')}"]
        return value

    def __iter__(self) -> Any:
        return (name for name in self._environ if name.startswith("HTTP_"))

    def __len__(self) -> int:
        return sum(1 for _name in self)


@dataclass(frozen=True)
class PollRequest:
    """`GET /tasks/<id>` with a valid token and no parameter but `wait` and `progress`."""

    META: Environment
    task_id: uuid.UUID
    claims: AccessClaims
    query_params: Mapping[str, str]
    method: str = "GET"

    @classmethod
    def from_environ(cls, environ: Environment) -> "PollRequest | None":
        """Read the request; None if it is anything but a poll of the usual form."""
        path = _PATH.fullmatch(environ["PATH_INFO"])
        if path is None or not _is_plain_get(environ) or not _is_trusted(environ):
            return None
        query = _QUERY.fullmatch(environ.get("QUERY_STRING", ""))
        claims = _read_claims(environ.get("HTTP_AUTHORIZATION", ""))
        if query is None or claims is None:
            return None
        given = {name: value for name, value in query.groupdict().items() if value}
        return cls(environ, uuid.UUID(path[1]), claims, given)

    @cached_property
    def headers(self) -> EnvironmentHeaders:
        return EnvironmentHeaders(self.META)

    @property
    def user(self) -> TokenViewer:
        return TokenViewer(self.claims.user_id)


def _is_plain_get(environ: Environment) -> bool:
    """Return whether the request has no body and asks for JSON without a cookie."""
    return (
        environ["REQUEST_METHOD"] == "GET"
        and "HTTP_HOST" in environ
        and not environ.get("SCRIPT_NAME")
        and environ.get("CONTENT_TYPE", "") in ("", "application/json")
        and environ.get("CONTENT_LENGTH", "") in ("", "0")
        and "HTTP_TRANSFER_ENCODING" not in environ
        # A cookie may choose the language, or hold a session of the admin.
        and "HTTP_COOKIE" not in environ
        and len(accept := environ.get("HTTP_ACCEPT", "*/*")) <= MAX_HEADER_LENGTH
        and _accepts_json(accept)
    )


def _is_trusted(environ: Environment) -> bool:
    """Return whether no redirect to HTTPS is needed."""
    return not settings.SECURE_SSL_REDIRECT or is_secure(environ)


def is_secure(environ: Environment) -> bool:
    """Return whether the request came by HTTPS, as Django's `is_secure` does."""
    header = settings.SECURE_PROXY_SSL_HEADER
    if header and (value := environ.get(header[0])) is not None:
        scheme: str = value.split(",", 1)[0].strip()
        return scheme == header[1]
    return environ.get("wsgi.url_scheme") == "https"


@lru_cache(maxsize=256)
def _accepts_json(accept: str) -> bool:
    request = HttpRequest()
    request.META["HTTP_ACCEPT"] = accept
    try:
        return request.accepts("application/json")
    except ValueError:  # Django answers that
        return False


def _read_claims(authorization: str) -> AccessClaims | None:
    """Return the claims of a valid token that need no look at the database."""
    token = authorization.removeprefix(_BEARER)
    if token == authorization or " " in token:
        return None
    try:
        claims = tokens.verify_access(token)
    except Problem:
        return None
    return None if claims.is_restricted else claims

"""Signed links that fetch a result without an access token."""

import uuid
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core import signing
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from api.auth.authentication import UserAuthentication
from api.problems.registry import Problem
from api.serializers.requests import MAX_LINK_SECONDS
from school.models import User
from tasks.status import document
from tasks.status.downloads import Result

LINK_PARAMETER = "link"
MAX_LIFETIME = timedelta(seconds=MAX_LINK_SECONDS)
SLOW_BYTES_PER_SECOND = 32 * 1024
"""Rate of a slow line, on which a download should end before its link does."""


@dataclass(frozen=True)
class SignedLink:
    url: str
    expires_at: datetime
    expires_in: int
    """Seconds until then."""


@dataclass(frozen=True)
class LinkClaims:
    """Contents of a link's token."""

    viewer_id: int
    generation: int
    """The viewer's `session_generation`: a link ends with the sessions."""
    sha256: str
    """Hash of the file, the only one that the link opens."""
    expires_at: int
    """Seconds since 1970."""


def create_link(
    result: Result, viewer: User, lifetime: timedelta | None = None
) -> SignedLink:
    """Create a link of this life, or of one that suffices for the size of the file."""
    now = timezone.now().replace(microsecond=0)  # the token has whole seconds
    expires_at = now + (
        default_lifetime(result.bytes) if lifetime is None else lifetime
    )
    if result.task.expires_at:  # the file is deleted then
        file_end = result.task.expires_at.replace(microsecond=0)
        expires_at = min(expires_at, file_end)
    claims = LinkClaims(
        viewer.pk,
        viewer.session_generation,
        result.sha256,
        int(expires_at.timestamp()),
    )
    token = signing.dumps(astuple(claims), salt=_salt(result.task.pk))
    result_url = f"{document.task_url(result.task.pk)}/result"
    expires_in = int((expires_at - now).total_seconds())
    return SignedLink(f"{result_url}?{LINK_PARAMETER}={token}", expires_at, expires_in)


def default_lifetime(size: int) -> timedelta:
    """Return the life of a link to a file of this size in bytes, unless one is asked for."""
    download_time = timedelta(seconds=size // SLOW_BYTES_PER_SECOND)
    return min(settings.RESULT_LINK_LIFETIME + download_time, MAX_LIFETIME)


def verify_link(token: str, task_id: uuid.UUID) -> LinkClaims:
    try:
        claims = LinkClaims(*signing.loads(token, salt=_salt(task_id)))
        has_ended = datetime.fromtimestamp(claims.expires_at, UTC) <= timezone.now()
    except (signing.BadSignature, TypeError):  # other claims: signed by another release
        raise Problem("link_not_valid") from None
    if has_ended:
        raise Problem("link_not_valid")
    return claims


def _salt(task_id: uuid.UUID) -> str:
    """Return a salt per task, so that no link opens the result of another task."""
    return f"api.auth.signed_links.{task_id}"


class LinkAuthentication(BaseAuthentication):
    """Authentication with a signed link; reads the viewer from the database (one query).

    It precedes the other classes: if the request has a link, only the link counts.
    """

    scheme = "link"
    parameter = LINK_PARAMETER

    def authenticate(self, request: Request) -> tuple[User, LinkClaims] | None:
        token = request.query_params.get(LINK_PARAMETER)
        if token is None:
            return None
        claims = verify_link(token, request.parser_context["kwargs"]["task_id"])
        viewers = User.objects.filter(
            pk=claims.viewer_id,
            is_active=True,
            session_generation=claims.generation,
        )
        viewer = viewers.first()
        if viewer is None:
            raise Problem("link_not_valid")
        return viewer, claims

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of token authentication, for requests with neither."""
        return UserAuthentication().authenticate_header(request)

"""Signed links that fetch a result without an access token."""

import uuid
from dataclasses import astuple, dataclass
from datetime import datetime

from django.conf import settings
from django.core import signing
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from api.auth.authentication import UserAuthentication
from api.problems.registry import Problem
from school.models import User
from tasks.status import document
from tasks.status.downloads import Result

LINK_PARAMETER = "link"


@dataclass(frozen=True)
class SignedLink:
    url: str
    expires_at: datetime


@dataclass(frozen=True)
class LinkClaims:
    """Contents of a link's token."""

    viewer_id: int
    generation: int
    """The viewer's `session_generation`: a link ends with the sessions."""
    sha256: str
    """Hash of the file, the only one that the link opens."""


def create_link(result: Result, viewer: User) -> SignedLink:
    # Whole seconds, like the timestamp of the token.
    expires_at = timezone.now().replace(microsecond=0) + settings.RESULT_LINK_LIFETIME
    claims = LinkClaims(viewer.pk, viewer.session_generation, result.sha256)
    token = signing.dumps(astuple(claims), salt=_salt(result.task.pk))
    result_url = f"{document.task_url(result.task.pk)}/result"
    return SignedLink(f"{result_url}?{LINK_PARAMETER}={token}", expires_at)


def verify_link(token: str, task_id: uuid.UUID) -> LinkClaims:
    try:
        claims = signing.loads(
            token, salt=_salt(task_id), max_age=settings.RESULT_LINK_LIFETIME
        )
        return LinkClaims(*claims)
    except (signing.BadSignature, TypeError):  # other claims: signed by another release
        raise Problem("link_not_valid") from None


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

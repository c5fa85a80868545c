"""Links that fetch a result without any other sign of who asks: made, and read."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core import signing
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from api.auth.tokens import UserAuthentication
from api.problems.registry import Problem
from school.models import User
from tasks.status import document
from tasks.status.downloads import Result

PARAMETER = "link"


@dataclass(frozen=True)
class Link:
    url: str
    expires_at: datetime


@dataclass(frozen=True)
class Grant:
    """What a link was made for: this file and no later one, to this viewer's eyes."""

    viewer_id: int
    sha256: str


def make(result: Result, viewer: User) -> Link:
    # In whole seconds, as the token counts them.
    expires_at = timezone.now().replace(microsecond=0) + settings.RESULT_LINK_LIFETIME
    grant = [viewer.pk, result.sha256]
    token = signing.dumps(grant, salt=_salt(result.task.pk))
    address = f"{document.task_url(result.task.pk)}/result"
    return Link(f"{address}?{PARAMETER}={token}", expires_at)


def read(token: str, task_id: uuid.UUID) -> Grant:
    try:
        grant = signing.loads(
            token, salt=_salt(task_id), max_age=settings.RESULT_LINK_LIFETIME
        )
    except signing.BadSignature:
        raise Problem("link_not_valid") from None
    return Grant(*grant)


def _salt(task_id: uuid.UUID) -> str:
    """Another for each task, so that no link opens another's result."""
    return f"api.auth.signed_links.{task_id}"


class LinkAuthentication(BaseAuthentication):
    """The user whom the link was made for, as the database has them now: one query.

    It is asked before others: where there is a link, it counts.
    """

    scheme = "link"
    parameter = PARAMETER

    def authenticate(self, request: Request) -> tuple[User, Grant] | None:
        token = request.query_params.get(PARAMETER)
        if token is None:
            return None
        grant = read(token, request.parser_context["kwargs"]["task_id"])
        viewer = User.objects.filter(pk=grant.viewer_id, is_active=True).first()
        if viewer is None:
            raise Problem("link_not_valid")
        return viewer, grant

    def authenticate_header(self, request: Request) -> str:
        """Who comes with neither is told of the other way."""
        return UserAuthentication().authenticate_header(request)

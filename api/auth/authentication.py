"""Authentication classes for access tokens in the `Authorization` header."""

from dataclasses import dataclass
from functools import cache

from django.db.models import BigIntegerField
from rest_framework.authentication import TokenAuthentication
from rest_framework.request import Request

from api.auth import tokens
from api.auth.tokens import AccessClaims
from api.problems.registry import BEARER_CHALLENGE
from school.models import User
from school.prepared_sql import Parameter, PreparedQuery
from tasks.errors import InactiveUser


@dataclass(frozen=True)
class TokenViewer:
    """Viewer known only by the id in the token."""

    pk: int
    is_authenticated: bool = True


class BearerAuthentication(TokenAuthentication):
    """Parser of `Authorization: Bearer <token>`; the scheme's case does not matter."""

    keyword = "Bearer"

    def authenticate_header(self, request: Request) -> str:
        return BEARER_CHALLENGE["WWW-Authenticate"]


class UserAuthentication(BearerAuthentication):
    """Authentication that reads the user from the database (one query)."""

    def authenticate_credentials(self, key: str) -> tuple[User, AccessClaims]:
        claims = tokens.verify_access(key)
        user = _prepare_users().read_one(
            user_id=claims.user_id, generation=claims.generation
        )
        if user is None:
            raise InactiveUser  # the same error as for a poll
        return user, claims


@cache
def _prepare_users() -> PreparedQuery[User]:
    users = User.objects.filter(
        pk=Parameter("user_id", BigIntegerField()),
        session_generation=Parameter("generation", BigIntegerField()),
        is_active=True,
    )
    return PreparedQuery(users)


class PollAuthentication(BearerAuthentication):
    """Authentication that trusts the token (no query); only for polling with access versions."""

    def authenticate_credentials(self, key: str) -> tuple[TokenViewer, AccessClaims]:
        claims = tokens.verify_access(key)
        return TokenViewer(claims.user_id), claims

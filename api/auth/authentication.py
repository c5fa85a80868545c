"""Authentication classes for access tokens in the `Authorization` header."""

from dataclasses import dataclass

from rest_framework.authentication import TokenAuthentication
from rest_framework.request import Request

from api.auth import tokens
from api.auth.tokens import AccessClaims
from api.problems.registry import BEARER_CHALLENGE
from school.models import User
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
        users = User.objects.filter(
            pk=claims.user_id, is_active=True, session_generation=claims.generation
        )
        user = users.first()
        if user is None:
            raise InactiveUser  # the same error as for a poll
        return user, claims


class PollAuthentication(BearerAuthentication):
    """Authentication that trusts the token (no query); only for polling with access versions."""

    def authenticate_credentials(self, key: str) -> tuple[TokenViewer, AccessClaims]:
        claims = tokens.verify_access(key)
        return TokenViewer(claims.user_id), claims

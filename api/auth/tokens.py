"""JWT tokens and authentication classes.

Other modules import only the views of the JWT library, which must load after this module.
"""

import time
from functools import lru_cache
from typing import Any

from rest_framework_simplejwt.authentication import (
    JWTAuthentication,
    JWTStatelessUserAuthentication,
)
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken
from rest_framework_simplejwt.serializers import (
    TokenBlacklistSerializer,
    TokenObtainPairSerializer,
)
from rest_framework_simplejwt.serializers import (
    TokenRefreshSerializer as LibraryRefreshSerializer,
)
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from api.serializers.strict import StrictSerializer
from school.models import User
from tasks.errors import InactiveUser

__all__ = [
    "LogoutSerializer",
    "PollAuthentication",
    "TokenPairSerializer",
    "TokenRefreshSerializer",
    "UserAuthentication",
    "access_token_for",
]


class VersionedRefreshToken(RefreshToken):
    """Refresh token whose access tokens contain the user's access version, for polling."""

    @property
    def access_token(self) -> AccessToken:
        token: AccessToken = super().access_token
        access_versions = User.objects.filter(pk=self["user_id"]).values_list(
            "access_version", flat=True
        )
        token["access_version"] = access_versions.get()
        return token


class TokenPairSerializer(StrictSerializer, TokenObtainPairSerializer):
    token_class = VersionedRefreshToken


class TokenRefreshSerializer(StrictSerializer, LibraryRefreshSerializer):
    token_class = VersionedRefreshToken

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        try:
            return super().validate(attrs)
        except User.DoesNotExist:
            raise InvalidToken from None


class LogoutSerializer(StrictSerializer, TokenBlacklistSerializer):
    token_class = VersionedRefreshToken


class UserAuthentication(JWTAuthentication):
    """Authentication that reads the user from the database (one query)."""

    def get_user(self, validated_token: Token) -> Any:
        try:
            return super().get_user(validated_token)
        except InvalidToken:
            raise
        except AuthenticationFailed:
            raise InactiveUser from None  # the same error as for a poll


class PollAuthentication(JWTStatelessUserAuthentication):
    """Authentication that trusts the token (no query); only for polling with access versions.

    A polling client repeats the same token: its signature is verified once and cached, and
    its expiry is checked each time.
    """

    def get_validated_token(self, raw_token: bytes) -> Token:
        token = _verify_token(raw_token)
        if token["exp"] > time.time():
            return token
        return super().get_validated_token(raw_token)  # raises the appropriate error


@lru_cache(maxsize=4096)
def _verify_token(raw_token: bytes) -> Token:
    return JWTStatelessUserAuthentication().get_validated_token(raw_token)


def access_token_for(user: User) -> str:
    return str(VersionedRefreshToken.for_user(user).access_token)

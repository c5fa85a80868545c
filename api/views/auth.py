"""Views of `/auth`: log in, refresh the tokens and log out."""

import math
from typing import Any, NoReturn, cast

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.views import TokenViewBase

from api.auth import throttles
from api.auth.tokens import (
    LogoutSerializer,
    TokenPairSerializer,
    TokenRefreshSerializer,
)
from api.openapi.operations import operation
from api.problems.registry import Problem
from api.serializers.tasks import TokenPair


class Login(TokenViewBase):
    serializer_class = TokenPairSerializer
    throttle_classes = [throttles.LoginThrottle]

    @operation(
        "log_in",
        "Log in",
        tag="auth",
        body=TokenPairSerializer,
        responses={200: TokenPair},
        headers={429: ["Retry-After"]},
        problems=[400, 401, 408, 415, 429, 503],
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Returns a short-lived access token for `Authorization: Bearer`, and a refresh token."""
        response = super().post(request, *args, **kwargs)
        throttles.reset_login_failures(cast(dict[str, Any], request.data)["username"])
        return response

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        # DRF's message contains the seconds, so that two responses would differ.
        raise Problem("throttled", retry_after=math.ceil(wait or 1))


class Refresh(TokenViewBase):
    serializer_class = TokenRefreshSerializer

    @operation(
        "refresh_token",
        "Refresh the tokens",
        tag="auth",
        body=TokenRefreshSerializer,
        responses={200: TokenPair},
        problems=[400, 401, 408, 415, 503],
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Returns a new pair of tokens. The refresh token is valid for one use only."""
        return super().post(request, *args, **kwargs)


class Logout(TokenViewBase):
    serializer_class = LogoutSerializer

    @operation(
        "log_out",
        "Log out",
        tag="auth",
        body=LogoutSerializer,
        responses={204: None},
        problems=[400, 401, 408, 415, 503],
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Revokes the refresh token. The access token expires within minutes."""
        super().post(request, *args, **kwargs)
        return Response(status=status.HTTP_204_NO_CONTENT)

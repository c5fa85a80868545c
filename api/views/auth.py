"""Views of `/auth`: log in, refresh the tokens, change the password and log out."""

from dataclasses import asdict
from typing import Any, cast

from django.contrib.auth import authenticate
from rest_framework import status
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.mediatypes import media_type_matches
from rest_framework.views import APIView

from api.auth import otp_checks, passwords, sessions, throttles
from api.http import cors
from api.http.parsers import BoundedFormParser, BoundedJSONParser
from api.http.rate_limit_headers import set_rate_limits
from api.openapi.operations import RATE_LIMIT, operation
from api.problems.registry import BEARER_CHALLENGE, Problem
from api.serializers.auth import (
    ChangePasswordSerializer,
    LoginSerializer,
    PasswordGrantSerializer,
    RefreshTokenSerializer,
    TokenPair,
)
from api.serializers.strict import StrictSerializer
from school.models import User


class PublicView(APIView):
    """View that needs no access token."""

    authentication_classes = []
    permission_classes = [AllowAny]


class PasswordLimitedView(APIView):
    """View that checks a password, and tells how many wrong ones are left."""

    username: object = None
    """User whose password is checked; None until that is known."""

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        set_rate_limits(response, throttles.password_limits(request, self.username))
        return super().finalize_response(request, response, *args, **kwargs)


class Login(PasswordLimitedView, PublicView):
    throttle_classes = [throttles.LoginThrottle]
    parser_classes = [BoundedJSONParser, BoundedFormParser]

    def get_parsers(self) -> list[Any]:
        """Refuse forms of foreign pages: they would try passwords from the visitors' addresses."""
        request = getattr(self, "request", None)  # none while the document is built
        if request is not None and cors.is_from_foreign_page(request):
            return [BoundedJSONParser()]
        return list(super().get_parsers())

    @operation(
        "log_in",
        "Log in",
        tag="auth",
        body={
            BoundedJSONParser.media_type: LoginSerializer,
            BoundedFormParser.media_type: PasswordGrantSerializer,
        },
        responses={200: TokenPair},
        headers={
            200: RATE_LIMIT,
            401: RATE_LIMIT,
            429: ["Retry-After", *RATE_LIMIT],
            503: ["Retry-After"],
        },
        problems=[400, 401, 408, 415, 429, 503],
    )
    def post(self, request: Request) -> Response:
        """Returns a short-lived access token for `Authorization: Bearer`, and a refresh token.
        A user with a second factor sends a one-time code or a recovery code as `otp`.
        A form is the password grant of OAuth 2.0, for tools that know only that."""
        is_form = media_type_matches(BoundedFormParser.media_type, request.content_type)
        body = parse_body(
            PasswordGrantSerializer if is_form else LoginSerializer, request
        )
        otp, username = body.get("otp"), body["username"]
        self.username = username
        with throttles.Attempt(request, username) as attempt:
            user = authenticate(
                cast(Any, request), username=username, password=body["password"]
            )
            if user is None:
                attempt.fail()
                raise Problem("authentication_failed", headers=BEARER_CHALLENGE)
            otp_checks.require_otp(user, otp, on_wrong=attempt.fail)
            attempt.succeed()
        return Response(asdict(sessions.start(user)))


class Refresh(PublicView):
    @operation(
        "refresh_token",
        "Refresh the tokens",
        tag="auth",
        body=RefreshTokenSerializer,
        responses={200: TokenPair},
        problems=[400, 401, 408, 415, 503],
    )
    def post(self, request: Request) -> Response:
        """Returns a new pair of tokens. Repeated within a minute, it returns the same refresh
        token, so that a lost response does no harm. A refresh token that is used later again
        ends the session."""
        body = parse_body(RefreshTokenSerializer, request)
        return Response(asdict(sessions.rotate(body["refresh"])))


class Logout(PublicView):
    @operation(
        "log_out",
        "Log out",
        tag="auth",
        body=RefreshTokenSerializer,
        responses={204: None},
        problems=[400, 401, 408, 415, 503],
    )
    def post(self, request: Request) -> Response:
        """Ends the session of the refresh token. The access token expires within minutes."""
        sessions.end(parse_body(RefreshTokenSerializer, request)["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChangePassword(PasswordLimitedView):
    permission_classes = [IsAuthenticated]  # also where the password must be changed

    @operation(
        "change_password",
        "Change your password",
        tag="auth",
        body=ChangePasswordSerializer,
        responses={200: TokenPair},
        problems=[400, 401, 413, 415, 429, 503],
    )
    def post(self, request: Request) -> Response:
        """Changes the password of your user, ends all sessions, and returns the tokens of a
        new one. A wrong `current` counts like a wrong password at the log-in."""
        user = cast(User, request.user)
        body = parse_body(ChangePasswordSerializer, request)
        self.username = user.username
        with throttles.Attempt(request, user.username) as attempt:
            if not user.check_password(body["current"]):
                attempt.fail()
                raise passwords.wrong_current_password()
            attempt.succeed()
            return Response(asdict(passwords.replace_password(user, **body)))


class LogoutAll(APIView):
    permission_classes = [IsAuthenticated]

    @operation(
        "log_out_everywhere",
        "Log out everywhere",
        tag="auth",
        responses={204: None},
        problems=[401, 503],
    )
    def post(self, request: Request) -> Response:
        """Ends all sessions of your user, here and in the admin. All access tokens and signed
        links end at once, and waiting requests with them."""
        cast(User, request.user).end_sessions()
        return Response(status=status.HTTP_204_NO_CONTENT)


def parse_body(
    serializer_class: type[StrictSerializer], request: Request
) -> dict[str, Any]:
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)

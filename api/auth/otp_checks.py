"""Checks of the second factor: at log-in, before it is changed, and their rate limit."""

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from api.problems import handler
from api.problems.registry import BEARER_CHALLENGE, PROBLEMS, Problem
from school import second_factor
from school.models import User
from tasks.errors import FieldError
from tasks.redis_store import Rate


def require_otp(user: User, code: str | None, *, on_wrong: Callable[[], None]) -> None:
    """Use up the code of a user who has a second factor; raises `Problem`.

    Call this only after the right password, so that it tells nothing about user names. A
    wrong code calls `on_wrong`, which counts it like a wrong password.
    """
    if not second_factor.has_factor(user):
        return
    if code is None:
        raise Problem("otp_required", headers=BEARER_CHALLENGE)
    if not second_factor.verify(user, code):
        on_wrong()
        raise Problem("otp_not_valid", headers=BEARER_CHALLENGE)


def check_again(user: User, *, password: str, otp: str | None = None) -> None:
    """Check the password, and the code if there is one; raises `Problem`.

    A stolen access token alone can thus not change the second factor.
    """
    if not user.check_password(password):
        raise _invalid("/password", "wrong_password", _("The password is wrong."))
    if otp is not None and not second_factor.verify(user, otp):
        raise wrong_otp()
    # The password alone must not reset the count of guessed codes.
    if otp is not None or not second_factor.has_factor(user):
        reset_failures(user.pk)


def wrong_otp() -> Problem:
    return _invalid("/otp", "otp_not_valid", str(PROBLEMS["otp_not_valid"].detail))


def already_exists() -> Problem:
    detail = _("There is a second factor already: remove it with `DELETE /auth/otp`.")
    return _invalid("", "second_factor_exists", detail)


def not_started() -> Problem:
    detail = _(
        "No second factor waits for its first code: start with `POST /auth/otp`."
    )
    return _invalid("", "second_factor_not_started", detail)


def reset_failures(user_id: int) -> None:
    """Reset the count of wrong passwords and codes after right ones."""
    _rate().reset(str(user_id))


class OtpThrottle(BaseThrottle):
    """Throttle that counts each attempt of a logged-in user, as those to log in."""

    _retry_after = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        self._retry_after = _retry_after(cast(User, request.user).pk)
        return not self._retry_after

    def wait(self) -> float:
        return self._retry_after


class AdminOtpThrottleMiddleware:
    """Middleware that applies the same limit to the page of the second factor in the admin."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_attempt = request.method == "POST" and (
            request.path_info == "/admin/second-factor/"
        )
        if not is_attempt or not request.user.is_authenticated:
            return self._get_response(request)
        user_id = request.user.pk
        if retry_after := _retry_after(user_id):
            return handler.too_many_requests(request, retry_after)
        response = self._get_response(request)
        if getattr(response, "is_otp_attempt_right", False):
            reset_failures(user_id)
        return response


def _invalid(pointer: str, code: str, detail: str) -> Problem:
    return Problem("invalid_request", field_errors=[FieldError(pointer, code, detail)])


def _retry_after(user_id: int) -> int:
    return _rate().hit(str(user_id))


def _rate() -> Rate:
    return Rate("second-factor-by-user", settings.LOGIN_FAILURES_PER_USER, 300)

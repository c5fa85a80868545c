"""Limits of failed log-ins: by address, by user and address, and a delay by user.

A user is never locked out by what others do at other addresses: their failures only delay
the user's log-in, and not where the user has logged in before. Only wrong passwords count;
successful log-ins and malformed requests do not. Without Redis each process counts alone.
"""

import hashlib
import time
import unicodedata
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from types import TracebackType
from typing import Self

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from api.http import admission
from api.http.addresses import client_address
from api.http.rate_limit_headers import RateLimit
from api.problems import handler
from api.problems.registry import Problem
from school.db import connections
from school.hash_slots import HasherBusy
from tasks.redis_store import Rate

WINDOW_SECONDS = 300
DELAY_STEP_SECONDS = 0.5
MAX_DELAY_SECONDS = 4.0
KNOWN_SECONDS = 30 * 24 * 3600
"""Time for which an address counts as the user's own after a log-in from it."""
MAX_SMALL_BODY = 4096
"""Bytes of a body that is still read where the address has reached its limit."""
LOGIN_FORM = "/admin/login/"
PASSWORD_FORMS = {LOGIN_FORM, "/admin/password_change/"}
UNLIMITED = 2**31


class LoginThrottle(BaseThrottle):
    """Throttle by address, which is asked before the body is read."""

    _retry_after = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        self._retry_after = _retry_after_ip(request)
        return not self._retry_after or _is_own_address(
            request, lambda: _username(request)
        )

    def wait(self) -> float:
        return self._retry_after


class Attempt:
    """An attempt to prove a password, counted before that is checked.

    Inside its block call `fail` or `succeed`; without either, as for an error of the
    service, it does not count. Raises `Problem` if the user has failed too often from this
    address, or tries too often at once.
    """

    def __init__(self, request: HttpRequest | Request, username: object) -> None:
        self._address = client_address(request)
        self._user = _username_key(username)
        self._pair = _hash(f"{self._user} {self._address}")
        self._is_settled = False

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            try:
                stack.enter_context(admission.logins.admit(self._pair))
            except admission.TooManyAtOnce:
                raise Problem("throttled", retry_after=1) from None
            if retry_after := _pair_rate().hit(self._pair):
                raise Problem("throttled", retry_after=retry_after)
            delay = _delay_of_user(self._user)
            if delay and not _known_rate().count(self._pair):
                connections.return_to_pool()
                time.sleep(delay)
            self._exit_stack = stack.pop_all()
        return self

    def fail(self) -> None:
        self._is_settled = True
        _ip_rate().hit(_hash(self._address))
        _user_rate().hit(self._user)

    def succeed(self) -> None:
        self._is_settled = True
        _pair_rate().reset(self._pair)
        _known_rate().hit(self._pair)

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exit_stack.close()
        if not self._is_settled:
            _pair_rate().undo_hit(self._pair)


def password_limits(request: Request, username: object) -> list[RateLimit]:
    """Return the limits of wrong passwords; that of the user only if the name was read."""
    address = client_address(request)
    limits = [_rate_limit("wrong-passwords-of-address", _ip_rate(), _hash(address))]
    if username is not None:
        pair = _hash(f"{_username_key(username)} {address}")
        limits.append(_rate_limit("wrong-passwords-of-user", _pair_rate(), pair))
    return limits


def _rate_limit(name: str, rate: Rate, identifier: str) -> RateLimit:
    hits, seconds_left = rate.usage(identifier)
    remaining = max(0, rate.limit - hits)
    return RateLimit(name, rate.limit, remaining, rate.seconds, seconds_left or None)


class AdminLoginThrottleMiddleware:
    """Middleware that applies the limits to the forms of the admin that ask for a password."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # `path` would include the prefix of a proxy.
        if request.method != "POST" or request.path_info not in PASSWORD_FORMS:
            return self._get_response(request)
        # The address is asked before the body is read.
        retry_after = _retry_after_ip(request)
        if retry_after and not _is_own_address(request, lambda: _form_user(request)):
            return handler.too_many_requests(request, retry_after)
        if not _has_password(request):  # the form says so, and checks nothing
            return self._get_response(request)
        try:
            with Attempt(request, _form_user(request)) as attempt:
                response = self._get_response(request)
                if response.status_code == HTTPStatus.FOUND:
                    attempt.succeed()
                elif _shows_wrong_password(response):
                    attempt.fail()
                return response
        except Problem as problem:
            return handler.too_many_requests(request, problem.wait or 1)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        if isinstance(exception, HasherBusy):
            return handler.unavailable(request)
        return None


def _retry_after_ip(request: HttpRequest | Request) -> int:
    """Return 0, or the seconds to wait if the address has failed too often."""
    return _ip_rate().check(_hash(client_address(request)))


def _is_own_address(
    request: HttpRequest | Request, read_username: Callable[[], object]
) -> bool:
    """Return whether the user has logged in from this address; reads only a small body."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return False
    if not 0 < length <= MAX_SMALL_BODY or "HTTP_TRANSFER_ENCODING" in request.META:
        return False
    pair = _hash(f"{_username_key(read_username())} {client_address(request)}")
    return _known_rate().count(pair) > 0


def _delay_of_user(user_key: str) -> float:
    """Return seconds that grow with the user's failures at all addresses."""
    excess = _user_rate().count(user_key) - settings.LOGIN_FAILURES_PER_USER + 1
    return min(MAX_DELAY_SECONDS, max(0, excess) * DELAY_STEP_SECONDS)


def _username(request: Request) -> object:
    return request.data.get("username") if isinstance(request.data, dict) else None


def _form_user(request: HttpRequest) -> object:
    if request.path_info == LOGIN_FORM:
        return request.POST.get("username")
    return request.user.get_username()


def _has_password(request: HttpRequest) -> bool:
    return bool(request.POST.get("password") or request.POST.get("old_password"))


def _shows_wrong_password(response: HttpResponseBase) -> bool:
    form = (getattr(response, "context_data", None) or {}).get("form")
    return form is not None and not form.errors.keys().isdisjoint(
        {NON_FIELD_ERRORS, "old_password"}
    )


def _ip_rate() -> Rate:
    return Rate("login-failures-by-ip", settings.LOGIN_ATTEMPTS_PER_IP, 60)


def _pair_rate() -> Rate:
    limit = settings.LOGIN_FAILURES_PER_USER
    return Rate("login-failures-by-pair", limit, WINDOW_SECONDS)


def _user_rate() -> Rate:
    return Rate("login-failures-by-user", UNLIMITED, WINDOW_SECONDS)


def _known_rate() -> Rate:
    return Rate("login-own-address", UNLIMITED, KNOWN_SECONDS)


def _username_key(username: object) -> str:
    """Return a hash of the normalized user name; people may type a password there."""
    return _hash(unicodedata.normalize("NFKC", str(username)).casefold().strip())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

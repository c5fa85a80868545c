"""Rate limits of logins, per IP address and per user name."""

import hashlib
import ipaddress
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import cast

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from api.problems import handler
from tasks.circuit_breaker import RedisUnavailable
from tasks.redis_store import Rate


class LoginThrottle(BaseThrottle):
    """Throttle that counts each attempt before its password is checked.

    The address is counted first: attempts that it may not make do not count against the
    user name. Without Redis there is no limit.
    """

    _retry_after = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        self._retry_after = _retry_after_ip(request) or _retry_after_user(
            _username(request)
        )
        return not self._retry_after

    def wait(self) -> float:
        return self._retry_after


class AdminLoginThrottleMiddleware:
    """Middleware that applies the login limits to the login form of the admin."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # `path` would include the prefix of a proxy.
        if request.method != "POST" or request.path_info != "/admin/login/":
            return self._get_response(request)
        # The address is asked before the body is read.
        if retry_after := _retry_after_ip(request):
            return handler.too_many_requests(request, retry_after)
        username = request.POST.get("username")
        if retry_after := _retry_after_user(username):
            return handler.too_many_requests(request, retry_after)
        response = self._get_response(request)
        if response.status_code == HTTPStatus.FOUND:
            reset_login_failures(username)
        return response


def reset_login_failures(username: object) -> None:
    """Reset the count of a user name after a successful login."""
    with suppress(RedisUnavailable):
        _user_rate().reset(_username_key(username))


def _retry_after_ip(request: HttpRequest | Request) -> int:
    address = BaseThrottle().get_ident(cast(Request, request))
    with suppress(RedisUnavailable):
        return _ip_rate().hit(_ip_key(address))
    return 0


def _retry_after_user(username: object) -> int:
    with suppress(RedisUnavailable):
        return _user_rate().hit(_username_key(username))
    return 0


def _username(request: Request) -> object:
    return request.data.get("username") if isinstance(request.data, dict) else None


def _ip_rate() -> Rate:
    return Rate("login-attempts-by-ip", settings.LOGIN_ATTEMPTS_PER_IP, 60)


def _user_rate() -> Rate:
    return Rate("login-failures-by-user", settings.LOGIN_FAILURES_PER_USER, 300)


def _ip_key(address: str | None) -> str:
    """Return the IPv4 address, or the /64 of an IPv6 address, which one household may use."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        # A proxy may report a host name, or an address with a port.
        return _hash(address or "")
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return f"{int(ip) >> 64:x}"
        ip = ip.ipv4_mapped
    return str(ip)


def _username_key(username: object) -> str:
    """Return a hash of the normalized user name; people may type a password there."""
    return _hash(unicodedata.normalize("NFKC", str(username)).casefold().strip())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

"""How often a log-in may be tried, from one address and for one user name."""

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
    """Counts each attempt before its password is looked at, so that none slips through.

    The address first: what it may not try is not held against the user name. Without
    Redis nothing is counted, and everybody may try.
    """

    _wait = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        self._wait = _wait_of_address(request) or _wait_of_user(_username(request))
        return not self._wait

    def wait(self) -> float:
        return self._wait


class AdminLoginMiddleware:
    """The same for the admin's own form, which is another door to the same passwords."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Not `path`, which begins with whatever a proxy calls the place of the service.
        if request.method != "POST" or request.path_info != "/admin/login/":
            return self._get_response(request)
        username = request.POST.get("username")
        if wait := _wait_of_address(request) or _wait_of_user(username):
            return handler.throttled(request, wait)
        response = self._get_response(request)
        if response.status_code == HTTPStatus.FOUND:
            forget_user(username)
        return response


def forget_user(username: object) -> None:
    """After a log-in that succeeded: who knows the password is not locked out."""
    with suppress(RedisUnavailable):
        _of_users().reset(_folded(username))


def _wait_of_address(request: HttpRequest | Request) -> int:
    address = BaseThrottle().get_ident(cast(Request, request))
    with suppress(RedisUnavailable):
        return _of_addresses().hit(_network(address))
    return 0


def _wait_of_user(username: object) -> int:
    with suppress(RedisUnavailable):
        return _of_users().hit(_folded(username))
    return 0


def _username(request: Request) -> object:
    return request.data.get("username") if isinstance(request.data, dict) else None


def _of_addresses() -> Rate:
    return Rate("logins-of-address", settings.LOGIN_ATTEMPTS_PER_IP, 60)


def _of_users() -> Rate:
    return Rate("logins-of-user", settings.LOGIN_FAILURES_PER_USER, 300)


def _network(address: str | None) -> str:
    """The address; of IPv6 the /64, all of which one household or phone may use."""
    try:
        known = ipaddress.ip_address(address or "")
    except ValueError:
        return _hashed(address or "")  # what a proxy wrote: a name, or a port with it
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is None:
            return f"{int(known) >> 64:x}"
        known = known.ipv4_mapped
    return str(known)


def _folded(username: object) -> str:
    """As it was meant, and hashed: what people type there is not for Redis."""
    return _hashed(unicodedata.normalize("NFKC", str(username)).casefold().strip())


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

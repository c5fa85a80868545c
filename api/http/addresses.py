"""Addresses of clients, and the warning about forwarded ones that are not read."""

import ipaddress
from collections.abc import Callable
from typing import cast

import structlog
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

log = structlog.get_logger(__name__)


class ForwardedAddressMiddleware:
    """Middleware that warns once a process of `X-Forwarded-For` if no proxy is named."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if settings.REST_FRAMEWORK["NUM_PROXIES"]:
            raise MiddlewareNotUsed
        self._get_response = get_response
        self._has_warned = False

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not self._has_warned and "HTTP_X_FORWARDED_FOR" in request.META:
            self._has_warned = True
            log.warning(
                "forwarded_address_ignored",
                advice="Set TRUSTED_PROXIES to the number of proxies; without it all "
                "clients behind them count as one address.",
            )
        return self._get_response(request)


def client_address(request: HttpRequest | Request) -> str:
    """Return the group of the client's address, as `address_group` defines it."""
    return address_group(BaseThrottle().get_ident(cast(Request, request)) or "")


def address_group(address: str) -> str:
    """Return the IPv4 address, or the /64 of an IPv6 address, which one household may use.

    A proxy may report a host name, or an address with a port: that is returned as it is.
    """
    try:
        ip = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return f"{int(ip) >> 64:x}"

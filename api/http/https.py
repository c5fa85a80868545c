"""Redirect of plain HTTP to HTTPS, from which probes and this host are exempt."""

import ipaddress
import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase

PROBE_PATHS = re.compile(r"/(healthz|readyz)/?")
PROXY_HEADERS = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP")
"""Headers of proxies besides those that begin with `X-Forwarded-`."""
SAFE_METHODS = ("GET", "HEAD")

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class HttpsRedirectMiddleware:
    """Middleware that redirects requests over plain HTTP to `PUBLIC_URL` if that is HTTPS.

    Commands and probes on this host speak to the process directly and without TLS.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if (
            not settings.SECURE_SSL_REDIRECT
            or request.is_secure()
            or PROBE_PATHS.fullmatch(request.path_info)
            or _is_from_this_host(request)
        ):
            return self._get_response(request)
        # The target does not follow the `Host` header, which the client chooses. 308 keeps
        # method and body, where clients would turn a 301 into a GET.
        return HttpResponsePermanentRedirect(
            f"{settings.PUBLIC_URL}{request.get_full_path()}",
            preserve_request=request.method not in SAFE_METHODS,
        )


def _is_from_this_host(request: HttpRequest) -> bool:
    """Return whether a client on this host sent the request; proxies add their headers."""
    is_proxied = any(
        name.startswith("HTTP_X_FORWARDED_") or name in PROXY_HEADERS
        for name in request.META
    )
    return not is_proxied and _is_loopback(request.META.get("REMOTE_ADDR", ""))


def _is_loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback

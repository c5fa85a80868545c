"""End of admin sessions that are idle or old."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest
from django.http.response import HttpResponseBase

STARTED_AT, SEEN_AT = "admin_started_at", "admin_seen_at"
MAX_SAVE_INTERVAL_SECONDS = 60


class AdminSessionMiddleware:
    """Middleware that ends the log-in of an admin session without requests, or too old.

    The time of the last request is saved at most once a minute, not with each request, so
    a session ends up to a minute before its idle time is over.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Only the admin uses sessions. `path` would include the prefix of a proxy.
        if request.path_info.startswith("/admin/") and request.user.is_authenticated:
            _check_times(request)
        return self._get_response(request)


def _check_times(request: HttpRequest) -> None:
    now, session = time.time(), request.session
    started_at = session.setdefault(STARTED_AT, now)
    seen_at = session.get(SEEN_AT, now)
    is_idle = now - seen_at >= settings.ADMIN_IDLE_TIME.total_seconds()
    if is_idle or now - started_at >= settings.ADMIN_SESSION_LIFETIME.total_seconds():
        auth.logout(request)
        return
    save_interval = min(
        MAX_SAVE_INTERVAL_SECONDS, settings.ADMIN_IDLE_TIME.total_seconds() / 2
    )
    if SEEN_AT not in session or now - seen_at >= save_interval:
        session[SEEN_AT] = now  # saves the session, which also renews its cookie

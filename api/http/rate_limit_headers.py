"""Headers `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http.response import HttpResponseBase


@dataclass(frozen=True)
class RateLimit:
    """One limit of a client, and what is left of it."""

    name: str
    quota: int
    remaining: int | None = None
    """None if only the limit is known."""
    window_seconds: int | None = None
    """None for a limit of what goes on at the same time."""
    reset_seconds: int | None = None

    @property
    def policy(self) -> str:
        """Return the item of `RateLimit-Policy`, a structured field (RFC 9651)."""
        if self.window_seconds is None:
            return f'"{self.name}";q={self.quota};qu="concurrent-requests"'
        return f'"{self.name}";q={self.quota};w={self.window_seconds}'

    @property
    def service_limit(self) -> str:
        """Return the item of `RateLimit`."""
        reset = "" if self.reset_seconds is None else f";t={self.reset_seconds}"
        return f'"{self.name}";r={self.remaining}{reset}'


def set_rate_limits(response: HttpResponseBase, limits: Sequence[RateLimit]) -> None:
    for name, value in rate_limit_headers(limits).items():
        response[name] = value


def rate_limit_headers(limits: Sequence[RateLimit]) -> dict[str, str]:
    """Return the two headers for the limits that count for a request."""
    headers = {"RateLimit-Policy": ", ".join(limit.policy for limit in limits)}
    known = [limit.service_limit for limit in limits if limit.remaining is not None]
    if known:
        headers["RateLimit"] = ", ".join(known)
    return headers

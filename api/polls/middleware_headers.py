"""Headers of the middleware, recorded from Django's response to an equal request."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from api.polls.requests import MAX_HEADER_LENGTH, Environment, is_secure

Header = tuple[str, str]
StartResponse = Callable[..., Any]
Key = tuple[object, ...]
"""The parts of a request on which the recorded headers depend."""

MAX_RECORDS = 1024
OWN_HEADERS = frozenset(
    ("content-type", "content-length", "etag", "cache-control", "retry-after",
     "preference-applied", "x-request-id", "content-encoding")
)  # fmt: skip
"""Headers that each response gets anew."""
RECORDED_HEADERS = frozenset(
    ("allow", "vary", "content-language", "x-frame-options", "x-content-type-options",
     "referrer-policy", "cross-origin-opener-policy", "strict-transport-security",
     "access-control-allow-origin", "access-control-allow-credentials",
     "access-control-expose-headers")
)  # fmt: skip
"""Headers that depend on the key alone; a response with any other is not recorded."""
_RECORDED_STATUSES = ("200 ", "304 ")
_KEY_VARIABLES = ("HTTP_HOST", "HTTP_ORIGIN", "HTTP_ACCEPT_LANGUAGE")


class MiddlewareHeaders:
    """The recorded headers by the key of their request."""

    def __init__(self) -> None:
        self._headers: OrderedDict[Key, dict[str, str]] = OrderedDict()

    def get(self, key: Key) -> dict[str, str] | None:
        return self._headers.get(key)

    def record(self, key: Key, start_response: StartResponse) -> StartResponse:
        """Return a `start_response` that records the headers of what Django responds."""

        def start_and_record(
            status: str, headers: list[Header], *arguments: Any
        ) -> Any:
            if status.startswith(_RECORDED_STATUSES):
                self._record(key, headers)
            return start_response(status, headers, *arguments)

        return start_and_record

    def _record(self, key: Key, headers: list[Header]) -> None:
        recorded = {
            name: value for name, value in headers if name.lower() not in OWN_HEADERS
        }
        if not RECORDED_HEADERS.issuperset(map(str.lower, recorded)):
            return
        # Only large responses have it.
        recorded["Vary"] = recorded["Vary"].removesuffix(", Accept-Encoding")
        self._headers[key] = recorded
        while len(self._headers) > MAX_RECORDS:
            self._headers.popitem(last=False)


def key_of(environ: Environment) -> Key | None:
    """Return the key of a request; None if a part is too long to keep."""
    parts = [environ.get(name) for name in _KEY_VARIABLES]
    if any(part is not None and len(part) > MAX_HEADER_LENGTH for part in parts):
        return None
    # Django warns of a forwarded address that it does not trust.
    return *parts, is_secure(environ), "HTTP_X_FORWARDED_FOR" in environ

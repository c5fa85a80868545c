"""Headers of the middleware, recorded from Django's response to an equal request."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from api.polls.requests import MAX_HEADER_LENGTH, Environment, is_secure

Header = tuple[str, str]
Envelope = dict[str, str]
StartResponse = Callable[..., Any]

MAX_ENVELOPES = 1024
OWN_HEADERS = frozenset(
    ("content-type", "content-length", "etag", "cache-control", "retry-after",
     "preference-applied", "x-request-id", "content-encoding")
)  # fmt: skip
"""Headers that each response gets anew."""
ENVELOPE_HEADERS = frozenset(
    ("allow", "vary", "content-language", "x-frame-options", "x-content-type-options",
     "referrer-policy", "cross-origin-opener-policy", "strict-transport-security",
     "access-control-allow-origin", "access-control-allow-credentials",
     "access-control-expose-headers")
)  # fmt: skip
"""Headers that depend on the key alone; a response with any other is not recorded."""
_RECORDED_STATUSES = ("200 ", "304 ")
_KEY_VARIABLES = ("HTTP_HOST", "HTTP_ORIGIN", "HTTP_ACCEPT_LANGUAGE", "SERVER_NAME")

Key = tuple[object, ...]


class EnvelopeCache:
    """Envelopes by the parts of a request on which the middleware's headers depend."""

    def __init__(self) -> None:
        self._envelopes: OrderedDict[Key, Envelope] = OrderedDict()

    def get(self, key: Key) -> Envelope | None:
        return self._envelopes.get(key)

    def record(self, key: Key, start_response: StartResponse) -> StartResponse:
        """Return a `start_response` that keeps the envelope of what Django responds."""

        def start_and_record(
            status: str, headers: list[Header], *arguments: Any
        ) -> Any:
            if status.startswith(_RECORDED_STATUSES):
                self._keep(key, headers)
            return start_response(status, headers, *arguments)

        return start_and_record

    def _keep(self, key: Key, headers: list[Header]) -> None:
        envelope = {
            name: value for name, value in headers if name.lower() not in OWN_HEADERS
        }
        if not ENVELOPE_HEADERS.issuperset(map(str.lower, envelope)):
            return
        # Only large responses have it.
        envelope["Vary"] = envelope["Vary"].removesuffix(", Accept-Encoding")
        self._envelopes[key] = envelope
        while len(self._envelopes) > MAX_ENVELOPES:
            self._envelopes.popitem(last=False)


def key_of(environ: Environment) -> Key | None:
    """Return the key of a request's envelope; None if a part is too long to keep."""
    parts = [environ.get(name) for name in _KEY_VARIABLES]
    if any(part is not None and len(part) > MAX_HEADER_LENGTH for part in parts):
        return None
    # Django warns of a forwarded address that it does not trust.
    return *parts, is_secure(environ), "HTTP_X_FORWARDED_FOR" in environ

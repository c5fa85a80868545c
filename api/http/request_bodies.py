"""WSGI wrapper that limits the size and the duration of request bodies.

It reads nothing itself: whoever reads the body gets it piece by piece, or a problem once a
limit is exceeded. Django treats chunked bodies as empty; the wrapper gives them a length. A
body that is not read to its end closes the connection.
"""

import io
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from django.conf import settings
from django.utils.translation import gettext as _
from gevent.monkey import is_module_patched

from api.http.body_limits import BodyLimit, limit_for
from api.problems.registry import BodyRefused
from school.db import connections

if sys.platform == "win32":  # gunicorn does not run there

    class ParseException(Exception):
        """An invalid chunk; other servers raise none."""
else:
    from gunicorn.http.errors import ParseException

WsgiApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]

MAX_READ_BYTES = 1024
"""Bytes after which other requests may run; each may be a chunk that takes time to parse."""
MIN_UPLOAD_RATE = 16 * 1024
"""Bytes per second that an upload must reach in any window of `MAX_BODY_SECONDS`."""


def limit_bodies(application: WsgiApplication) -> WsgiApplication:
    """Limit the bodies that the application reads; see the module."""

    def wrapper(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ
        length = None if is_chunked else int(environ.get("CONTENT_LENGTH") or 0)
        if length == 0:
            return application(environ, start_response)
        limit = limit_for(environ["PATH_INFO"])
        body = LimitedBody(environ["wsgi.input"], length, limit)
        environ["wsgi.input"] = io.BufferedReader(body)
        if is_chunked:
            # Django reads no further than this; the body ends before, or is refused.
            environ["CONTENT_LENGTH"] = str(limit.max_bytes + 1)

        def start_response_and_close_unread(*arguments: Any) -> Any:
            body.close_connection_if_unread()
            return start_response(*arguments)

        return application(environ, start_response_and_close_unread)

    return wrapper


class LimitedBody(io.RawIOBase):
    """Stream of a body; raises `BodyRefused` when it exceeds a limit or is cut off."""

    def __init__(self, stream: Any, length: int | None, limit: BodyLimit) -> None:
        self._stream, self._length, self._limit = stream, length, limit
        self._connection = getattr(stream, "connection", None)
        """The worker's part: it sends `100 Continue` and closes the connection."""
        self._received = 0
        self._has_ended = False
        self._refusal: BodyRefused | None = None
        self._deadline: _Deadline | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._receive(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close_connection_if_unread(self) -> None:
        if self._connection and not self._has_ended:
            self._connection.close_after_response()

    def _receive(self, size: int) -> bytes:
        if self._has_ended:
            return b""
        if self._refusal:
            raise self._refusal
        try:
            data = self._read_in_time(size)
        except BodyRefused as refusal:
            self._refusal = refusal
            raise
        self._received += len(data)
        self._has_ended = not data or self._received == self._length
        return data

    def _read_in_time(self, size: int) -> bytes:
        max_bytes = self._limit.max_bytes
        if self._length is not None and self._length > max_bytes:
            raise BodyRefused("body_too_large")
        # A slow client must not hold a database connection.
        connections.return_to_pool()
        # One byte more shows that a chunked body is too large.
        size = min(size, max_bytes + 1 - self._received)
        try:
            if self._deadline is None:
                self._deadline = _Deadline(is_upload=self._limit.is_upload)
                if self._connection:
                    self._connection.send_continue()
            data: bytes = self._deadline.read(self._stream, size)
        except TimeoutError:
            raise BodyRefused("body_too_slow") from None
        except (OSError, ParseException):
            raise _incomplete() from None
        if self._received + len(data) > max_bytes:
            raise BodyRefused("body_too_large")
        if not data and self._length is not None:
            raise _incomplete()
        return data


class _Deadline:
    """Time by which the next bytes of a body must arrive.

    An upload counts in pieces of `MIN_UPLOAD_RATE` bytes. With a window of 30 seconds, each
    piece must arrive within 30 seconds after the one that is 30 pieces before it.
    """

    def __init__(self, *, is_upload: bool) -> None:
        self._window = settings.MAX_BODY_SECONDS
        self._is_upload = is_upload
        self._has_read = False
        self._arrivals = deque([time.monotonic()] * self._window, maxlen=self._window)
        self._incomplete_piece = 0
        """Bytes that have arrived of the current piece."""

    def read(self, stream: Any, size: int) -> bytes:
        """Read from the stream; raise `TimeoutError` at the deadline."""
        if not is_module_patched("socket"):  # only gevent can interrupt a read
            return bytes(stream.read(size))
        if self._has_read:
            gevent.sleep(0)  # a fast client must not keep others from running
        self._has_read = True
        remaining = self._arrivals[0] + self._window - time.monotonic()
        size = min(size, MAX_READ_BYTES)
        if self._is_upload:
            size = min(size, MIN_UPLOAD_RATE - self._incomplete_piece)
        with gevent.Timeout(max(0.0, remaining), TimeoutError):
            data = bytes(stream.read(size))
        if self._is_upload:
            self._incomplete_piece += len(data)
            if self._incomplete_piece == MIN_UPLOAD_RATE:
                self._arrivals.append(time.monotonic())
                self._incomplete_piece = 0
        return data


def _incomplete() -> BodyRefused:
    return BodyRefused("parse_error", _("The body was not received completely."))

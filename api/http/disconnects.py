"""Detects client disconnects during long polling."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gevent import get_hub
from gevent.monkey import is_module_patched

from api.http.request_parts import RequestParts

READABLE = 1


@contextmanager
def on_disconnect(
    request: RequestParts, callback: Callable[[], None]
) -> Iterator[None]:
    """Call `callback` if the client closes its connection while the block runs.

    It works under gunicorn with gevent; elsewhere a wait ends only by its timeout.
    """
    connection = request.META.get("gunicorn.socket")
    if connection is None or not is_module_patched("socket"):
        yield
        return
    watcher: Any = get_hub().loop.io(connection.fileno(), READABLE)

    def check_socket() -> None:
        data = _peek(connection)
        if data == b"":
            callback()
        if data is not None:
            # The client has disconnected or sent its next request: stop watching.
            watcher.stop()

    watcher.start(check_socket)
    try:
        yield
    finally:
        watcher.stop()
        watcher.close()


def _peek(connection: Any) -> bytes | None:
    """Return the next byte without consuming it: empty at the end, None if none has arrived.

    It uses the plain socket, because gevent's would switch greenlets inside the hub.
    """
    try:
        data: bytes = connection._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        return data
    except BlockingIOError:
        return None
    except OSError:
        return b""

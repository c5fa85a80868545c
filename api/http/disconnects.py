"""Notices that a client has gone while its request waits, which nobody else would."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest
from gevent import get_hub
from gevent.monkey import is_module_patched

READABLE = 1


@contextmanager
def on_disconnect(request: HttpRequest, callback: Callable[[], None]) -> Iterator[None]:
    """Call `leave` if the client closes its connection while the block runs.

    Under gunicorn with gevent; elsewhere the wait ends by its time.
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
            # Gone, or it has sent its next request already: there is no more to notice.
            watcher.stop()

    watcher.start(check_socket)
    try:
        yield
    finally:
        watcher.stop()
        watcher.close()


def _peek(connection: Any) -> bytes | None:
    """What is there to be read, left where it is: empty at the end, None if nothing is yet.

    Without gevent's waiting, for this runs in its hub.
    """
    try:
        data: bytes = connection._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        return data
    except BlockingIOError:
        return None
    except OSError:
        return b""

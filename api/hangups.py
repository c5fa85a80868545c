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
def noticed(request: HttpRequest, leave: Callable[[], None]) -> Iterator[None]:
    """Call `leave` if the client closes its connection while the block runs.

    Under gunicorn with gevent; elsewhere the wait ends by its time.
    """
    connection = request.META.get("gunicorn.socket")
    if connection is None or not is_module_patched("socket"):
        yield
        return
    watcher: Any = get_hub().loop.io(connection.fileno(), READABLE)

    def look() -> None:
        if _is_closed(connection):
            leave()
        # Or it has sent its next request already: then there is nothing more to notice.
        watcher.stop()

    watcher.start(look)
    try:
        yield
    finally:
        watcher.stop()
        watcher.close()


def _is_closed(connection: Any) -> bool:
    """Looked at without taking anything, and without gevent's waiting: this is its hub."""
    try:
        peek = socket.MSG_PEEK | socket.MSG_DONTWAIT
        return not connection._sock.recv(1, peek)
    except BlockingIOError:
        return False
    except OSError:
        return True

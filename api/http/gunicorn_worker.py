"""The worker class that gunicorn runs: what never reaches Django is answered in our form, too.

It opens as many connections as the system lets it, and ends the waits of its clients when
it is to stop, so that neither a deploy nor its own successor need wait for them.

Imports of ours are inside: this is loaded before gevent has patched anything.
"""

import gc
import json
import resource
import socket
import uuid
from contextlib import suppress
from typing import Any

import gevent
from gunicorn.http import errors
from gunicorn.util import write_nonblock
from gunicorn.workers.ggevent import GeventWorker

_SERVER_ERRORS = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)


STALL_TIMEOUT_SECONDS = 60.0
"""Who has sent, or taken, nothing for so long in the middle of a request has gone."""


class Worker(GeventWorker):
    def init_process(self) -> None:
        self._idle: set[Any] = set()
        """The connections on which no request is under way."""
        self._is_shutting_down = False
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        super().init_process()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        # What was loaded stays, and need not be looked through for garbage ever again.
        gc.collect()
        gc.freeze()

    def handle_exit(self, signal: int, frame: Any) -> None:
        super().handle_exit(signal, frame)
        # In a signal's handler nothing may wait for a lock.
        gevent.spawn(self._end_long_polls)

    def handle(self, listener: Any, client: Any, address: Any) -> None:
        self._idle.add(client)
        try:
            super().handle(listener, client, address)
        finally:
            self._idle.discard(client)

    def handle_request(
        self, listener: Any, request: Any, client: Any, address: Any
    ) -> None:
        self._idle.discard(client)
        client.settimeout(STALL_TIMEOUT_SECONDS)
        try:
            super().handle_request(listener, request, client, address)
        except TimeoutError:
            raise StopIteration from None  # the connection is closed
        finally:
            if not self.alive:  # told so, or it has served as many as it was to
                self._end_long_polls()
        self._idle.add(client)
        if not self.alive:
            raise StopIteration  # no further request on this connection

    def _end_long_polls(self) -> None:
        from tasks.status.waiters import listener

        if self._is_shutting_down:
            return
        self._is_shutting_down = True
        listener.close()
        for client in list(self._idle):
            with suppress(OSError):  # it has just gone by itself
                client.shutdown(socket.SHUT_RD)

    def handle_error(self, request: Any, client: Any, address: Any, error: Any) -> None:
        """Answer a request that is no HTTP, or has too much in its head."""
        is_client_error = isinstance(error, errors.ParseException)
        if not is_client_error or isinstance(error, _SERVER_ERRORS):
            super().handle_error(request, client, address, error)
            return
        self.log.warning("Invalid request: %s", error)
        try:
            write_nonblock(client, _problem_response(_problem_code(error)))
        except OSError:
            self.log.debug("Nobody is there to be told.")


def _problem_code(error: Exception) -> str:
    if isinstance(error, errors.LimitRequestLine):
        return "uri_too_long"
    if isinstance(error, errors.LimitRequestHeaders):
        return "headers_too_large"
    return "malformed_request"


def _problem_response(code: str) -> bytes:
    from api.problems.registry import MEDIA_TYPE, problem_document

    request_id = str(uuid.uuid4())
    document = problem_document(code, "") | {"request_id": request_id}
    body = json.dumps(document, ensure_ascii=False).encode()
    head = (
        f"HTTP/1.1 {document['status']} {code}\r\n"
        f"Connection: close\r\n"
        f"Content-Type: {MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"X-Request-ID: {request_id}\r\n\r\n"
    )
    return head.encode() + body

"""Gunicorn worker class: limits of connections, problem documents, shutdown of long polls.

It closes a connection whose request body was not read to its end, and refuses connections of
an address that has too many. It answers invalid HTTP with problem documents, and sends the
headers of a response with its body in one packet. It raises the limit of open files to the
hard limit, and ends long polls on shutdown, so that neither a deploy nor the worker's
replacement waits for them.

Imports of this project are inside functions: gunicorn loads this module before gevent
patches anything.
"""

import gc
import json
import resource
import socket
import uuid
from contextlib import closing, suppress
from typing import Any

import gevent
from gunicorn.http import errors
from gunicorn.util import write_nonblock
from gunicorn.workers.ggevent import GeventWorker

_SERVER_ERRORS = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)


STALL_TIMEOUT_SECONDS = 60.0
"""Seconds without traffic in the middle of a request, after which the connection is closed."""
LINGER_SECONDS = 1.0
"""Seconds for which a client may still send after a response that closes the connection."""
LINGER_BYTES = 256 * 1024
GC_ALLOCATIONS = 20_000
"""Allocations between two searches for garbage in cycles, of which a request makes little."""
RETRY_AFTER_SECONDS = 10
"""Delay for a client whose address has too many connections."""


class Connection:
    """Connection of one request, as the stream of its body sees it."""

    def __init__(self, request: Any, client: Any) -> None:
        self._request, self._client = request, client
        # Gunicorn would send `100 Continue` before the application can refuse the body.
        self._expects_continue = request._expected_100_continue
        request._expected_100_continue = False

    def send_continue(self) -> None:
        if self._expects_continue:
            self._client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def close_after_response(self) -> None:
        self._request.force_close()


class JoinedHead:
    """Socket that sends the headers of a response with the first piece of its body."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._head: bytes | None = None
        self._has_sent = False

    def __enter__(self) -> "JoinedHead":
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        if error_type is None:
            self._flush()
        else:
            with suppress(OSError):  # the connection is closed anyway
                self._flush()

    def __getattr__(self, name: str) -> Any:
        self._flush()
        return getattr(self._client, name)

    def sendall(self, data: bytes) -> None:
        if self._has_sent:
            self._client.sendall(data)
        elif self._head is None:
            self._head = data
        else:
            self._head += data
            self._flush()

    def _flush(self) -> None:
        if self._head is not None and not self._has_sent:
            self._has_sent = True
            self._client.sendall(self._head)


class Worker(GeventWorker):
    def init_process(self) -> None:
        self._idle: set[Any] = set()
        """Connections without a request in progress."""
        self._is_shutting_down = False
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        super().init_process()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        from api.http.connection_limits import ConnectionCounter
        from tasks.circuit_breaker import breaker

        breaker.start_watch()
        self._connections = ConnectionCounter()
        # Loaded modules live as long as the process: exclude them from garbage collection.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_ALLOCATIONS)

    def handle_exit(self, signal: int, frame: Any) -> None:
        super().handle_exit(signal, frame)
        # A signal handler must not wait for a lock.
        gevent.spawn(self._end_long_polls)

    def handle(self, listener: Any, client: Any, address: Any) -> None:
        ip = address[0] if address else ""  # a Unix socket has none
        if not self._connections.admit(ip):
            self._refuse_connection(client, ip)
            return
        self._idle.add(client)
        try:
            super().handle(listener, client, address)
        finally:
            self._idle.discard(client)
            self._connections.release(ip)

    def _refuse_connection(self, client: Any, ip: str) -> None:
        self.log.debug("Too many connections of %s", ip)
        with suppress(OSError), closing(client):
            write_nonblock(client, _problem_response("throttled", RETRY_AFTER_SECONDS))

    def handle_request(
        self, listener: Any, request: Any, client: Any, address: Any
    ) -> None:
        self._idle.discard(client)
        client.settimeout(STALL_TIMEOUT_SECONDS)
        request.body.connection = Connection(request, client)
        try:
            with JoinedHead(client) as joined:
                super().handle_request(listener, request, joined, address)
        except TimeoutError:
            raise StopIteration from None  # the connection is closed
        finally:
            if request.must_close:
                _linger(client)
            if not self.alive:  # stopped by a signal, or it has reached `max_requests`
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
            with suppress(OSError):  # the client has just disconnected
                client.shutdown(socket.SHUT_RD)

    def handle_error(self, request: Any, client: Any, address: Any, error: Any) -> None:
        """Answer a request that is not valid HTTP or whose headers are too large."""
        is_client_error = isinstance(error, errors.ParseException)
        if not is_client_error or isinstance(error, _SERVER_ERRORS):
            super().handle_error(request, client, address, error)
            return
        # Its text quotes the header or the request line.
        self.log.warning("Invalid request: %s", type(error).__name__)
        try:
            write_nonblock(client, _problem_response(_problem_code(error)))
        except OSError:
            self.log.debug("The client has disconnected.")


def _linger(client: Any) -> None:
    """Discard what the client is still sending, within limits, before the connection is closed.

    A connection that is closed while bytes are unread is reset, and the client may lose the
    response.
    """
    with suppress(OSError), gevent.Timeout(LINGER_SECONDS, False):
        client.shutdown(socket.SHUT_WR)
        discarded = 0
        while discarded < LINGER_BYTES and (data := client.recv(LINGER_BYTES)):
            discarded += len(data)


def _problem_code(error: Exception) -> str:
    if isinstance(error, errors.LimitRequestLine):
        return "uri_too_long"
    if isinstance(error, errors.LimitRequestHeaders):
        return "headers_too_large"
    return "malformed_request"


def _problem_response(code: str, retry_after: int | None = None) -> bytes:
    from api.problems.registry import MEDIA_TYPE, problem_document

    request_id = str(uuid.uuid4())
    document = problem_document(code, "") | {"request_id": request_id}
    body = json.dumps(document, ensure_ascii=False).encode()
    retry_header = f"Retry-After: {retry_after}\r\n" if retry_after else ""
    head = (
        f"HTTP/1.1 {document['status']} {code}\r\n"
        f"Connection: close\r\n"
        f"Content-Type: {MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"{retry_header}"
        f"X-Request-ID: {request_id}\r\n\r\n"
    )
    return head.encode() + body

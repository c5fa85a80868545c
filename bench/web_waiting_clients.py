"""Clients that wait for the ends of their tasks, each on one open connection."""

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

WAIT_SECONDS = 25
MAX_CONNECTING = 64
"""Clients that connect at once."""
OPEN_SECONDS, SEE_SECONDS = 120, 60
_CONTENT_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")
_ETAG = re.compile(rb"(?i)\r\netag: *([^\r\n]+)\r\n")
_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class WaitingTask:
    """A task to wait for, as its requester."""

    path: str
    token: str


@dataclass(frozen=True)
class SeenEnd:
    """End of a task, and the time at which its client had the response."""

    finished_at: float
    received_at: float


class Clients:
    """Clients that wait for one task each, and for the next once theirs has ended."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        self._clients: list[_Client] = []
        self.spare_tasks: deque[WaitingTask] = deque()
        """Tasks for which clients wait whose own task has ended."""
        self.ends: list[SeenEnd] = []

    async def open(self, tasks: Sequence[WaitingTask]) -> None:
        """Connect a client for each task; return once all wait."""
        slots = asyncio.Semaphore(MAX_CONNECTING)

        async def connect(task: WaitingTask) -> None:
            async with slots:
                loop = asyncio.get_running_loop()
                _transport, client = await loop.create_connection(
                    lambda: _Client(self, task), self._host, self._port
                )
                self._clients.append(client)
                await client.has_polled.wait()
                if client.failure:
                    raise RuntimeError(client.failure)

        await asyncio.wait_for(asyncio.gather(*map(connect, tasks)), OPEN_SECONDS)

    async def close(self) -> None:
        for client in self._clients:
            client.close()
        self._clients.clear()
        await asyncio.sleep(0)

    async def wait_until_ended(self, count: int) -> None:
        """Wait until as many ends have been seen."""
        deadline = time.monotonic() + SEE_SECONDS
        while len(self.ends) < count:
            self.raise_failure()
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(self.ends)} of {count} ends were seen")
            await asyncio.sleep(0.02)

    def raise_failure(self) -> None:
        for client in self._clients:
            if client.failure:
                raise RuntimeError(client.failure)


class _Client(asyncio.Protocol):
    """Client that polls once, and then waits with the ETag that it knows."""

    def __init__(self, clients: Clients, task: WaitingTask) -> None:
        self._clients, self._task = clients, task
        self._etag = b""
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._is_done = False
        """True if it has no task any more; the server may close the connection."""
        self.has_polled = asyncio.Event()
        self.failure = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send(wait_seconds=0)

    def close(self) -> None:
        if self._transport:
            transport, self._transport = self._transport, None
            transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if self._transport and not self._is_done:
            self._fail(f"the server closed the connection: {error}")

    def data_received(self, data: bytes) -> None:
        received_at = time.time()
        self._buffer += data
        head, separator, body = self._buffer.partition(_END_OF_HEAD)
        if not separator:
            return
        head += b"\r\n"
        length = _CONTENT_LENGTH.search(head)
        if length and len(body) < int(length[1]):
            return
        self._buffer = b""
        status = head[9:12]
        if status == b"304":
            self._wait()
        elif status == b"200" and (etag := _ETAG.search(head)):
            self._etag = etag[1]
            self._handle_document(body, received_at)
        else:
            self._fail(f"{head!r} {body!r}")

    def _fail(self, reason: str) -> None:
        self.failure = self.failure or reason
        self.has_polled.set()  # nothing more is to be waited for

    def _handle_document(self, body: bytes, received_at: float) -> None:
        if b'"state":"succeeded"' in body:
            finished_at = datetime.fromisoformat(json.loads(body)["finished_at"])
            end = SeenEnd(finished_at.timestamp(), received_at)
            self._clients.ends.append(end)
            if self._clients.spare_tasks:
                self._task = self._clients.spare_tasks.popleft()
                self._send(wait_seconds=0)
            else:
                self._is_done = True
        else:
            self._wait()

    def _wait(self) -> None:
        self.has_polled.set()
        self._send(wait_seconds=WAIT_SECONDS)

    def _send(self, *, wait_seconds: int) -> None:
        head = (
            f"GET {self._task.path}?wait={wait_seconds} HTTP/1.1\r\nHost: localhost\r\n"
        )
        head += f"Authorization: Bearer {self._task.token}\r\n"
        condition = b"If-None-Match: " + self._etag + b"\r\n" if wait_seconds else b""
        if self._transport:
            self._transport.write(head.encode() + condition + b"\r\n")

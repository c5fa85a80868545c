"""Requests that would occupy the web process, sent to a real one."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.environment import DATABASE
from tests.support.raw_http import (
    BLOCK,
    connect,
    exchange,
    head_of,
    is_closed,
    json_body,
    read_answer,
    send_without_pause,
    to_chunk,
)
from tests.support.stack import Stack, create_database

pytestmark = pytest.mark.one_database("a body is refused before the database is read")

MAX_BODY_SECONDS = 3
MAX_CONNECTIONS = 200
MAX_SENT_BYTES = 32 * 1024 * 1024
"""Bound of what the kernel's socket buffers take and the server discards."""
MULTIPART = {"Content_Type": "multipart/form-data; boundary=x"}
JSON = {"Content_Type": "application/json"}
FILE_PART = (
    b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n"
)
REPORT_REQUEST = {"report": "class_performance", "parameters": {"class_id": 1}}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The service with a short time for bodies and a temporary folder of its own."""
    folder = tmp_path_factory.mktemp("limits")
    (folder / "tmp").mkdir()
    database_url = create_database() if DATABASE == "postgresql" else ""
    with Stack(
        folder,
        database_url,
        TMPDIR=str(folder / "tmp"),
        MAX_BODY_SECONDS=str(MAX_BODY_SECONDS),
        MAX_CONNECTIONS_PER_IP=str(MAX_CONNECTIONS),
        LOGIN_ATTEMPTS_PER_IP="1000000",  # so that bodies are refused by their size
    ) as service:
        yield service


class WebWatch:
    """Observer of the web process while the block runs: its memory and temporary files."""

    def __init__(self, stack: Stack) -> None:
        master = psutil.Process(stack.supervisor.processes["web"].pid)
        self._worker = max(master.children(), key=psutil.Process.create_time)
        self._folder = Path(stack.environment["TMPDIR"])
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.files: set[str] = set()
        self._start_rss = self.max_rss = self._worker.memory_info().rss

    @property
    def growth(self) -> int:
        return self.max_rss - self._start_rss

    def _run(self) -> None:
        while not self._end.wait(0.02):
            self.max_rss = max(self.max_rss, self._worker.memory_info().rss)
            self.files |= {
                path.name for path in self._folder.iterdir() if path.is_file()
            }

    def __enter__(self) -> "WebWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


@pytest.mark.guarantee(
    "A body beyond the limit of its path is refused without being read."
)
@pytest.mark.parametrize("path", ["/admin/login/", "/auth/token", "/reports", "/x"])
def test_declared_body_of_2_gb_is_refused_at_once(stack: Stack, path):
    head = head_of("POST", path, **MULTIPART, Content_Length=2 * 1024**3)

    with WebWatch(stack) as watch, exchange(stack.base_url, head) as connection:
        answer = read_answer(connection)
        sent = send_without_pause(connection, BLOCK, seconds=5)

    assert (answer.status, answer.code) == (413, "body_too_large")
    assert answer.headers["Connection"] == "close"
    assert sent < MAX_SENT_BYTES
    assert watch.files == set()
    assert watch.growth < 16 * 1024 * 1024


@pytest.mark.guarantee(
    "A body beyond the limit of its path is refused without being read."
)
@pytest.mark.parametrize("path", ["/admin/login/", "/auth/token"])
def test_chunked_body_without_end_is_refused_at_the_limit(stack: Stack, path):
    media_type = MULTIPART if path.startswith("/admin/") else JSON
    head = head_of("POST", path, **media_type, Transfer_Encoding="chunked")

    with WebWatch(stack) as watch, exchange(stack.base_url, head) as connection:
        connection.sendall(to_chunk(FILE_PART))
        sent = send_without_pause(connection, to_chunk(BLOCK), seconds=10)
        answer = read_answer(connection)

    assert (answer.status, answer.code) == (413, "body_too_large")
    assert sent < MAX_SENT_BYTES
    assert watch.files == set()
    assert watch.growth < 32 * 1024 * 1024


@pytest.mark.guarantee("Large bodies of strangers do not delay the requests of others.")
def test_polls_stay_fast_beside_senders_of_large_bodies(stack: Stack):
    client = stack.as_user("teacher")
    task = client.request_report(REPORT_REQUEST)
    declared = head_of("POST", "/admin/login/", **MULTIPART, Content_Length=2 * 1024**3)
    chunked = head_of("POST", "/admin/login/", **MULTIPART, Transfer_Encoding="chunked")
    chunked += to_chunk(FILE_PART)
    attacks = [
        (declared, BLOCK),
        (chunked, to_chunk(BLOCK)),
        (chunked, to_chunk(b"x") * 10_000),
    ]
    latencies = []

    with WebWatch(stack) as watch, sending(stack, attacks) as sent_bytes:
        for _ in range(30):
            started_at = time.monotonic()
            client.request("GET", task["links"]["self"])
            latencies.append(time.monotonic() - started_at)
            time.sleep(0.1)

    assert min(sent_bytes) > 1000
    assert max(latencies) < 2
    assert watch.files == set()
    assert watch.growth < 64 * 1024 * 1024


@contextmanager
def sending(stack: Stack, attacks: list[tuple[bytes, bytes]]) -> Iterator[list[int]]:
    """Send each head, then its block without end, again and again while the block runs.

    The list holds the bytes that were sent.
    """
    end = threading.Event()
    sent_bytes = [0] * len(attacks)

    def attack(number: int) -> None:
        head, block = attacks[number]
        while not end.is_set():
            with exchange(stack.base_url, head) as connection:
                sent_bytes[number] += send_without_pause(connection, block, seconds=3)

    threads = [threading.Thread(target=attack, args=(n,)) for n in range(len(attacks))]
    for thread in threads:
        thread.start()
    try:
        yield sent_bytes
    finally:
        end.set()
        for thread in threads:
            thread.join()


def _slow_requests(token: str) -> list[bytes]:
    heads = []
    cookie = {"Cookie": f"csrftoken={'x' * 32}"}  # without it the body is not read
    for framing in ({"Content_Length": 1000}, {"Transfer_Encoding": "chunked"}):
        bearer = {"Authorization": f"Bearer {token}"}
        heads += [
            head_of("POST", "/reports", **JSON, **framing, **bearer),
            head_of("POST", "/students/search", **JSON, **framing, **bearer),
            head_of("POST", "/auth/token", **JSON, **framing),
            head_of("POST", "/admin/login/", **MULTIPART, **framing),
            head_of(
                "POST", "/admin/school/user/add/", **MULTIPART, **framing, **cookie
            ),
        ]
    return heads


@contextmanager
def drip(connections: list[tuple[socket.socket, bytes]]) -> Iterator[None]:
    """Send a piece on each connection twice a second while the block runs."""
    end = threading.Event()

    def run() -> None:
        open_connections = list(connections)
        while not end.wait(0.5):
            for item in list(open_connections):
                try:
                    item[0].sendall(item[1])
                except OSError:
                    open_connections.remove(item)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


@pytest.mark.guarantee(
    "A request whose body does not arrive holds no connection to the database."
)
@pytest.mark.guarantee(
    "A body must arrive within a total time, however often a byte arrives."
)
@pytest.mark.each_database
def test_dripped_bodies_return_408_in_time_and_hold_no_database_connection(
    stack: Stack,
):
    client = stack.as_user("teacher")
    heads = _slow_requests(client.token) * 5
    started_at = time.monotonic()
    with ExitStack() as exit_stack:
        connections = [
            exit_stack.enter_context(exchange(stack.base_url, head)) for head in heads
        ]
        pieces = [to_chunk(b"{") if b"chunked" in head else b"{" for head in heads]
        with drip(list(zip(connections, pieces, strict=True))):
            time.sleep(1)
            usernames = {client.request("GET", "/me")["username"] for _ in range(10)}
            me_seconds = time.monotonic() - started_at - 1
            answers = [read_answer(connection) for connection in connections]
            seconds = time.monotonic() - started_at

    assert usernames == {"teacher"}
    assert me_seconds < MAX_BODY_SECONDS - 1
    assert {(answer.status, answer.code) for answer in answers} == {
        (408, "body_too_slow")
    }
    assert {answer.headers["Connection"] for answer in answers} == {"close"}
    assert MAX_BODY_SECONDS - 1 < seconds < MAX_BODY_SECONDS + 4


@pytest.mark.guarantee("A client that sends its headers too slowly is disconnected.")
def test_dripped_headers_close_the_connection(stack: Stack):
    beginnings = [b"", b"GET / HT", b"GET / HTTP/1.1\r\nA: b"]
    with stack.web_with("--keep-alive", "2"), ExitStack() as exit_stack:
        connections = [
            exit_stack.enter_context(exchange(stack.base_url, beginning))
            for beginning in beginnings
        ]
        started_at = time.monotonic()
        with drip([(connection, b"x") for connection in connections]):
            for connection in connections:
                assert is_closed(connection, seconds=10)
        seconds = time.monotonic() - started_at

    assert seconds < 5


def test_body_that_ends_early_returns_400(stack: Stack):
    token = stack.as_user("teacher").token
    for path, media_type in (("/reports", JSON), ("/admin/login/", MULTIPART)):
        head = head_of(
            "POST",
            path,
            **media_type,
            Content_Length=1000,
            Authorization=f"Bearer {token}",
        )
        with exchange(stack.base_url, head + FILE_PART) as connection:
            connection.shutdown(socket.SHUT_WR)
            answer = read_answer(connection)

        assert (answer.status, answer.code) == (400, "parse_error"), path


@pytest.mark.parametrize("ending", [b"zz\r\n", b"0\r\nBad Trailer: x\r\n\r\n"])
def test_malformed_chunk_returns_400(stack: Stack, ending):
    head = head_of("POST", "/auth/token", **JSON, Transfer_Encoding="chunked")
    with exchange(stack.base_url, head + to_chunk(b"{}") + ending) as connection:
        answer = read_answer(connection)

    assert (answer.status, answer.code) == (400, "parse_error")


@pytest.mark.parametrize(
    ("length", "is_invited", "status"), [(2, True, 400), (70_000, False, 413)]
)
def test_expectation_is_answered_only_if_the_body_is_read(
    stack: Stack, length, is_invited, status
):
    head = head_of(
        "POST", "/auth/token", **JSON, Content_Length=length, Expect="100-continue"
    )
    with exchange(stack.base_url, head) as connection:
        first_line = connection.recv(25, socket.MSG_PEEK)
        if is_invited:
            assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(b"{}")
        answer = read_answer(connection)

    assert first_line.startswith(b"HTTP/1.1 100") == is_invited
    assert answer.status == status


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_connection_with_an_unread_body_is_closed(stack: Stack, method):
    hidden = head_of("GET", "/me")
    head = head_of(method, "/healthz", Content_Length=len(hidden))
    with exchange(stack.base_url, head + hidden) as connection:
        answer = read_answer(connection, method)

        assert (answer.status, answer.headers["Connection"]) == (200, "close")
        assert connection.recv(100) == b""


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_connection_with_a_read_body_is_kept(stack: Stack, framing):
    body = json_body(REPORT_REQUEST)
    token = stack.as_user("teacher").token
    is_chunked = framing == "chunked"
    head = head_of(
        "POST",
        "/reports",
        **JSON,
        Authorization=f"Bearer {token}",
        **(
            {"Transfer_Encoding": "chunked"}
            if is_chunked
            else {"Content_Length": len(body)}
        ),
    )
    content = to_chunk(body) + b"0\r\n\r\n" if is_chunked else body
    with exchange(stack.base_url, head + content) as connection:
        statuses = [read_answer(connection).status]
        connection.sendall(head + content)
        statuses.append(read_answer(connection).status)

    assert statuses == [202, 202]


@pytest.mark.guarantee("One address has a limited number of connections.")
def test_connections_of_one_address_are_limited(stack: Stack):
    with ExitStack() as exit_stack:
        # Some may be left of other tests, so more are opened than are allowed.
        for _ in range(MAX_CONNECTIONS):
            exit_stack.enter_context(connect(stack.base_url))
        refused = exit_stack.enter_context(connect(stack.base_url))
        answer = read_answer(refused)

        assert (answer.status, answer.code) == (429, "throttled")
        assert answer.headers["Retry-After"]
        assert is_closed(refused, seconds=5)

    assert stack.wait_until(lambda: stack.as_user("teacher").token)

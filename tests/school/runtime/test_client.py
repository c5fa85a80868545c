import io
import socket
import threading
from contextlib import closing

import pytest

from school.runtime.client import Client, ServiceError

TEN_BYTE_RESPONSE = b"Content-Length: 10\r\n\r\n[1, 2]"
TRUNCATED_RESPONSE = b"HTTP/1.1 200 OK\r\n" + TEN_BYTE_RESPONSE


@pytest.fixture
def base_url(request):
    """URL of a service that announces ten bytes, sends six and closes the connection."""
    payload = getattr(request, "param", TRUNCATED_RESPONSE)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=answer_once, args=(server, payload))
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(timeout=5)


def answer_once(server: socket.socket, payload: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(payload)


def test_download_cut_short_raises_service_error(base_url):
    with pytest.raises(ServiceError, match="cut short"):
        Client(base_url).download("/result", io.BytesIO())


def test_request_cut_short_raises_service_error(base_url):
    with pytest.raises(ServiceError, match="cut short"):
        Client(base_url).request("GET", "/reports")


def test_download_to_full_disk_raises_os_error(base_url):
    class FullDisk(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        Client(base_url).download("/result", FullDisk())


@pytest.mark.parametrize(
    "base_url",
    [
        TRUNCATED_RESPONSE,
        b"HTTP/1.1 503 Away\r\n" + TEN_BYTE_RESPONSE,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n[1",
        b"garbled\r\n\r\n",
        b"",
    ],
    indirect=True,
)
def test_is_ready_with_broken_response_returns_false(base_url):
    assert not Client(base_url).is_ready()

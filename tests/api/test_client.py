import io
import socket
import threading
from contextlib import closing

import pytest

from api.client import Client, ServiceError


@pytest.fixture
def base():
    """A service that promises ten bytes, gives six, and hangs up."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=answer_once, args=(server,))
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(timeout=5)


def answer_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[1, 2]")


def test_file_that_is_cut_short_is_no_file(base):
    with pytest.raises(ServiceError, match="cut short"):
        Client(base).fetch("/result", io.BytesIO())


def test_answer_that_is_cut_short_is_no_answer(base):
    with pytest.raises(ServiceError, match="cut short"):
        Client(base).ask("GET", "/reports")


def test_caller_s_full_disk_is_not_the_service_s_fault(base):
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        Client(base).fetch("/result", Full())

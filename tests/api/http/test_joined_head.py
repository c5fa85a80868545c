"""Headers of a response, sent with the first piece of its body."""

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("gunicorn does not run on Windows", allow_module_level=True)

from api.http.gunicorn_worker import JoinedHead


class Client:
    """Socket that keeps the packets it sends."""

    def __init__(self, error=None):
        self.packets, self.error = [], error

    def sendall(self, data):
        self.packets.append(data)
        if self.error:
            raise self.error

    def fileno(self):
        return 7


def respond_and_fail(client, error):
    with JoinedHead(client) as joined:
        joined.sendall(b"head")
        raise error


def test_head_goes_with_the_first_piece_of_the_body():
    client = Client()

    with JoinedHead(client) as joined:
        for piece in (b"head ", b"one ", b"two"):
            joined.sendall(piece)

    assert client.packets == [b"head one ", b"two"]


def test_head_without_a_body_is_sent_at_the_end():
    client = Client()

    with JoinedHead(client) as joined:
        joined.sendall(b"head")
        assert client.packets == []

    assert client.packets == [b"head"]


def test_head_is_sent_before_the_socket_is_used_otherwise():
    client = Client()

    with JoinedHead(client) as joined:
        joined.sendall(b"head")
        assert joined.fileno() == 7
        assert client.packets == [b"head"]


def test_head_is_sent_before_the_connection_is_closed():
    client = Client()

    with pytest.raises(StopIteration):
        respond_and_fail(client, StopIteration())

    assert client.packets == [b"head"]


def test_client_that_does_not_read_is_not_served_further():
    client = Client(TimeoutError())

    with pytest.raises(TimeoutError), JoinedHead(client) as joined:
        joined.sendall(b"head")

    assert client.packets == [b"head"]


def test_error_of_a_response_is_raised_though_its_head_cannot_be_sent():
    with pytest.raises(ZeroDivisionError):
        respond_and_fail(Client(OSError()), ZeroDivisionError())

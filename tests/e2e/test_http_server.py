"""Malformed, oversized, chunked and stalled requests at the real HTTP server."""

import http.client
import json
import socket
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.support.stack import Stack

pytestmark = pytest.mark.one_database("the HTTP server does not depend on the database")
REPORT_REQUEST = {"report": "class_performance", "parameters": {"class_id": 1}}


def send_raw(stack: Stack, raw: bytes) -> tuple[int, dict, bytes]:
    """Send the bytes as they are; return status, headers and body of the response."""
    host, _, port = stack.base_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(raw)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, dict(response.headers), response.read()


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"NONSENSE\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n", 400, "malformed_request"),
        (b"GET /%b HTTP/1.1\r\n\r\n" % (b"x" * 5000), 414, "uri_too_long"),
        (b"GET / HTTP/1.1\r\nX: %b\r\n\r\n" % (b"x" * 9000), 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\n%b\r\n" % (b"X: y\r\n" * 101), 431, "headers_too_large"),
        (b"GET /healthz HTTP/1.1\r\nHost: elsewhere\r\n\r\n", 400, "invalid_request"),
    ],
)
def test_malformed_request_returns_problem(stack: Stack, raw, status, code):
    actual_status, headers, body = send_raw(stack, raw)

    document = json.loads(body)
    assert actual_status == status
    assert (document["status"], document["code"]) == (status, code)
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["X-Request-ID"] == document["request_id"] != ""


def send_chunked(stack: Stack, token: str, body: bytes) -> tuple[int, dict, bytes]:
    head = (
        "POST /reports HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    half = len(body) // 2
    chunks = [body[:half], body[half:], b""]
    encoded_chunks = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return send_raw(stack, head.encode() + encoded_chunks)


def test_chunked_body_is_accepted(stack: Stack):
    token = stack.as_user("teacher").token

    status, _headers, body = send_chunked(
        stack, token, json.dumps(REPORT_REQUEST).encode()
    )

    assert (status, json.loads(body)["report"]) == (202, "class_performance")


def test_chunked_body_too_large_returns_413(stack: Stack):
    token = stack.as_user("teacher").token

    status, _headers, body = send_chunked(stack, token, b" " * 100_000)

    assert (status, json.loads(body)["code"]) == (413, "body_too_large")


def test_content_length_too_large_returns_413_at_once(stack: Stack):
    token = stack.as_user("teacher").token
    head = (
        "POST /reports HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: 10000000000\r\n\r\n"
    )

    status, _headers, body = send_raw(stack, head.encode())

    assert (status, json.loads(body)["code"]) == (413, "body_too_large")


@pytest.mark.guarantee(
    "A request whose body does not arrive holds no connection to the database."
)
@pytest.mark.each_database
def test_stalled_bodies_hold_no_database_connection(stack: Stack):
    client = stack.as_user("teacher")
    host, _, port = stack.base_url.removeprefix("http://").partition(":")
    head = (
        "POST /reports HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {client.token}\r\nContent-Length: 100\r\n\r\n{{"
    )
    with ExitStack() as exit_stack:
        for _ in range(12):  # the pool has 8 connections
            connection = socket.create_connection((host, int(port)))
            exit_stack.enter_context(connection).sendall(head.encode())
        time.sleep(0.5)

        assert client.request("GET", "/me")["username"] == "teacher"


@pytest.mark.deep("it starts a web process whose contract nobody has asked for")
def test_requests_are_answered_while_the_contract_is_built(stack: Stack, tmp_path):
    def fetch(path: str) -> bytes:
        with urllib.request.urlopen(f"{base_url}{path}", timeout=30) as response:
            body: bytes = response.read()
            return body

    with stack.second_web(tmp_path) as base_url, ThreadPoolExecutor() as executor:
        fetch("/problems")  # the first page of a process loads the templates
        path = "/openapi.yaml?lang=pt-BR"
        start = time.monotonic()
        document = executor.submit(fetch, path)
        longest_wait = 0.0
        while not document.done():
            request_start = time.monotonic()
            fetch("/problems")
            longest_wait = max(longest_wait, time.monotonic() - request_start)
        building_time = time.monotonic() - start

        assert longest_wait < building_time / 2
        assert fetch(path) == document.result()
        assert "Relatórios escolares" in document.result().decode()

"""The log of the web process: no header's content, and lines of a limited length."""

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.support.stack import Stack

pytestmark = pytest.mark.one_database("the log does not depend on the database")
SECRET = "KeepMeOut"
ATTACKS = [
    ("GET", "/me", {"Authorization": f"Bearer {SECRET}"}),
    ("GET", "/me", {"User-Agent": SECRET, "Referer": f"http://{SECRET}/"}),
    ("GET", "/me", {"X-Request-ID": f"{SECRET} !", "X-Correlation-ID": SECRET}),
    ("GET", "/me", {"Cookie": f"sessionid={SECRET}", "X-Forwarded-For": SECRET}),
    ("GET", "/me", {"Host": SECRET}),
    ("GET", "/me", {f"Bad Header {SECRET}": SECRET}),
    ("GET", "/me", {"Content-Length": SECRET}),
    ("POST", "/admin/login/", {"Origin": f"http://{SECRET}"}),
    ("POST", "/admin/login/", {"Referer": f"http://{SECRET}/"}),
    ("GET", f"/me?token={SECRET}", {}),
]


def send_raw(base_url: str, method: str, path: str, headers: dict[str, str]) -> int:
    address = urlsplit(base_url)
    lines = {"Host": address.netloc, "Connection": "close", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())
        response = http.client.HTTPResponse(connection)
        response.begin()
        response.read()
        return response.status


@pytest.mark.guarantee("No log line has the content of a header or a query string.")
def test_log_has_no_content_of_headers_at_any_level(stack: Stack, tmp_path):
    with stack.second_web(tmp_path, LOG_LEVEL="DEBUG") as base_url:
        statuses = [send_raw(base_url, *attack) for attack in ATTACKS]

    log = (tmp_path / "web.log").read_text()
    assert all(400 <= status < 500 for status in statuses), statuses
    assert log.count('"request_started"') >= len(ATTACKS) - 3
    assert "Request refused: DisallowedHost" in log
    assert "Request refused: csrf" in log
    assert SECRET.lower() not in log.lower()


def test_log_line_of_longest_path_is_whole(stack: Stack, tmp_path):
    path = f"/{'x' * 4000}"
    with stack.second_web(tmp_path) as base_url:
        send_raw(base_url, "GET", path, {})

    lines = (tmp_path / "web.log").read_text().splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert f"GET {path}" in [event.get("request") for event in events]

import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.wrk import Load, Request, fetch, run_wrk

pytestmark = pytest.mark.skipif(
    shutil.which("wrk") is None, reason="the package wrk is not installed"
)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        is_known = self.headers["If-None-Match"] == '"1"'
        self.answer(304 if is_known else 200, b"" if is_known else b"{}")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append((self.headers["Authorization"], body))
        self.answer(202, b"{}")

    def answer(self, status, content):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.bodies = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def url_of(server):
    return f"http://127.0.0.1:{server.server_port}"


def test_load_sends_each_users_requests_with_distinct_bodies(server):
    requests = [
        Request("/", token, "POST", body='{"label": "NUMBER"}') for token in "ab"
    ]

    outcome = run_wrk(url_of(server), Load(requests, [202], connections=2), 1)

    tokens, bodies = zip(*server.bodies, strict=True)
    assert len(set(bodies)) == len(bodies) >= outcome.requests > 0
    assert set(tokens) == {"Bearer a", "Bearer b"}
    assert 0 < outcome.p50 <= outcome.p99


def test_load_with_an_unexpected_status_is_refused(server):
    with pytest.raises(RuntimeError, match="unexpected responses"):
        run_wrk(url_of(server), Load([Request("/", "a")], [304], connections=2), 1)


def test_load_with_etag_of_the_response_is_not_modified(server):
    _status, etag, _content = fetch(url_of(server), Request("/", "a"))
    load = Load([Request("/", "a", etag=etag)], [304], connections=2)

    assert run_wrk(url_of(server), load, 1).requests > 0


def test_pause_limits_the_rate(server):
    load = Load([Request("/", "a")], [200], connections=2, pause_ms=200)

    assert 4 <= run_wrk(url_of(server), load, 1).requests <= 14

"""Downloads of a large result with curl, aria2 and signed links."""

import gzip
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from school.runtime.client import Client
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed"),
    pytest.mark.one_database("a result is a file"),
]

MEGABYTE = 1024 * 1024
ROW = b"%07d,Escola Municipal,9A,Matematica,1,%d,6.50,2.00,9.75,1.81,74.2\r\n"
CURL_PARTIAL_FILE = 28
"""Exit code of curl when `--max-time` is exceeded."""


@dataclass(frozen=True)
class LargeResult:
    """A large result whose viewer can lose the right to see it."""

    stack: Stack
    client: Client
    task_id: str
    content: bytes

    @property
    def path(self) -> str:
        return f"/tasks/{self.task_id}/result"

    @property
    def url(self) -> str:
        return self.stack.base_url + self.path

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.client.token}"}

    def create_link(self) -> str:
        link = self.client.request("POST", f"{self.path}/link")
        return self.stack.base_url + link["url"]

    def download(self, url: str = "", **headers: str) -> requests.Response:
        headers = {"Accept-Encoding": "identity"} | self.headers | headers
        return requests.get(url or self.url, headers=headers, stream=True, timeout=30)


ATTACHMENT_FIELDS = "user=User.objects.get(username='visitor'), school_class_id=1"


def run_in_shell(stack: Stack, line: str) -> None:
    stack.manage("shell", "-v", "0", "-c", f"from school.models import *; {line}")


@pytest.fixture(scope="module")
def large_result(stack: Stack) -> LargeResult:
    visitor = "'visitor', password='demo', role='teacher'"
    create = f"User.objects.create_user({visitor}); Attachment.objects.create({ATTACHMENT_FIELDS})"
    run_in_shell(stack, create)
    client = stack.as_user("visitor")
    body = {"report": "class_performance", "parameters": {}, "format": "csv"}
    task = stack.wait_until_final(client, client.request_report(body))
    (path,) = (stack.folder / "artifacts").rglob(f"{task['task_id']}.*")
    content = b"".join(ROW % (n, n * n * 7919 % 99991) for n in range(600_000))
    path.write_bytes(content)
    return LargeResult(stack, client, task["task_id"], content)


@pytest.fixture
def download_dir(tmp_path: Path) -> Path:
    return tmp_path


def curl(file: LargeResult, folder: Path, *arguments: str, url: str = "") -> int:
    """Download to `output` as the visitor, or by a link; return the exit code of curl."""
    headers = [] if url else ["-H", f"Authorization: Bearer {file.client.token}"]
    process = subprocess.run(
        ["curl", "-sS", "-f", *headers, "-o", "output", *arguments, url or file.url],
        cwd=folder,
        capture_output=True,
    )
    return process.returncode


@pytest.mark.parametrize("way", ["header", "link"])
def test_interrupted_download_is_resumed_by_curl(
    large_result: LargeResult, download_dir: Path, way
):
    url = large_result.create_link() if way == "link" else ""
    limits = ["--limit-rate", "5M", "--max-time", "2"]

    first = curl(large_result, download_dir, *limits, url=url)
    partial_size = (download_dir / "output").stat().st_size
    second = curl(large_result, download_dir, "-C", "-", url=url)

    assert (first, second) == (CURL_PARTIAL_FILE, 0)
    assert MEGABYTE < partial_size < len(large_result.content)
    assert (download_dir / "output").read_bytes() == large_result.content


def test_interrupted_compressed_download_restarts(large_result: LargeResult):
    interrupted = large_result.download(**{"Accept-Encoding": "gzip"})
    first = interrupted.raw.read(MEGABYTE, decode_content=False)
    interrupted.close()

    resumed = large_result.download(**{
        "Accept-Encoding": "gzip", "If-Range": interrupted.headers["ETag"],
        "Range": f"bytes={len(first)}-",
    })  # fmt: skip

    assert interrupted.headers["ETag"].startswith('W/"')
    assert (interrupted.headers["Accept-Ranges"], resumed.status_code) == ("none", 200)
    compressed = resumed.raw.read(decode_content=False)
    assert compressed.startswith(b"\x1f\x8b")
    assert gzip.decompress(compressed) == large_result.content


def test_compressed_download_decodes_to_the_file(
    large_result: LargeResult, download_dir: Path
):
    assert curl(large_result, download_dir, "--compressed") == 0
    assert (download_dir / "output").read_bytes() == large_result.content


@pytest.mark.skipif(not shutil.which("aria2c"), reason="aria2c is not installed")
def test_download_over_several_connections_is_complete(
    large_result: LargeResult, download_dir: Path
):
    subprocess.run(
        [
            "aria2c",
            "-q",
            "-x4",
            "-s4",
            "-k1M",
            "-o",
            "output",
            "--no-conf",
            large_result.create_link(),
        ],
        cwd=download_dir,
        check=True,
    )

    assert (download_dir / "output").read_bytes() == large_result.content
    entries = large_result.stack.query(
        "SELECT count(*) FROM tasks_accesslogentry WHERE task_id = ? AND action = ?",
        large_result.task_id
        if large_result.stack.is_postgresql
        else large_result.task_id.replace("-", ""),
        "downloaded",
    )
    assert entries[0][0] >= 4


@pytest.mark.guarantee("A download is resumed only with the same file.")
def test_range_with_if_range_needs_the_same_file(large_result: LargeResult):
    etag = large_result.download().headers["ETag"]

    part = large_result.download(Range="bytes=1000-", **{"If-Range": etag})
    whole = large_result.download(Range="bytes=1000-", **{"If-Range": '"another"'})

    assert (part.status_code, whole.status_code) == (206, 200)
    assert part.content == large_result.content[1000:]
    assert part.headers["Content-Length"] == str(len(large_result.content) - 1000)
    assert whole.content == large_result.content


def test_download_by_link_is_saved_under_its_filename(
    large_result: LargeResult, download_dir: Path
):
    command = ["curl", "-sS", "-f", "-OJ", large_result.create_link()]
    subprocess.run(command, cwd=download_dir, check=True)

    (saved,) = download_dir.iterdir()
    document = large_result.client.request("GET", f"/tasks/{large_result.task_id}")
    # curl reads only the name in ASCII, which has hyphens in place of dashes.
    assert saved.name == document["result"]["filename"].replace("–", "-")
    assert saved.read_bytes() == large_result.content


def test_head_by_curl_returns_headers_only(
    large_result: LargeResult, download_dir: Path
):
    assert curl(large_result, download_dir, "-I", url=large_result.create_link()) == 0

    head = (download_dir / "output").read_text().lower()
    assert head.startswith("http/1.1 200")
    assert f"content-length: {len(large_result.content)}" in head
    assert "accept-ranges: bytes" in head


def test_head_response_sends_no_body_before_next_response(large_result: LargeResult):
    address = urlsplit(large_result.stack.base_url)
    target = (address.hostname, address.port)
    with socket.create_connection(target, timeout=10) as connection:
        for method, path in (("HEAD", large_result.path), ("GET", "/healthz")):
            connection.sendall(
                f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: Bearer {large_result.client.token}\r\n\r\n".encode()
            )
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(65536)
            assert received.startswith(b"HTTP/1.1 200")


def find_web_worker(stack: Stack) -> psutil.Process:
    """Return the gunicorn worker that serves requests."""
    (child,) = psutil.Process(stack.supervisor.processes["web"].pid).children()
    return child


def sample_memory(
    process: psutil.Process, stop_event: threading.Event
) -> Iterator[int]:
    while not stop_event.wait(0.01):
        yield process.memory_info().rss


@pytest.mark.guarantee("A download needs constant memory.")
@pytest.mark.parametrize(
    "headers",
    [{}, {"Range": "bytes=1-"}, {"Accept-Encoding": "gzip"}],
    ids=["whole", "part", "compressed"],
)
def test_large_download_uses_constant_memory(large_result: LargeResult, headers):
    # The first download allocates memory that later ones reuse.
    assert list(large_result.download(**headers).iter_content(MEGABYTE))
    process = find_web_worker(large_result.stack)
    stop_event, samples = threading.Event(), []
    before = process.memory_info().rss
    sampler = threading.Thread(
        target=lambda: samples.extend(sample_memory(process, stop_event))
    )
    sampler.start()

    received = sum(
        len(chunk) for chunk in large_result.download(**headers).iter_content(MEGABYTE)
    )
    stop_event.set()
    sampler.join()

    assert received >= len(large_result.content) - 1 > 35 * MEGABYTE
    assert max(samples) - before < 4 * MEGABYTE


@pytest.mark.guarantee("A download delays no other request.")
def test_large_download_delays_no_other_request(
    large_result: LargeResult, download_dir: Path
):
    command = [
        "curl",
        "-s",
        "-H",
        "Accept-Encoding: gzip",
        "-o",
        "output",
        large_result.create_link(),
    ]
    latencies = []
    with subprocess.Popen(command, cwd=download_dir) as download:
        while download.poll() is None:
            started_at = time.monotonic()
            large_result.client.request("GET", f"/tasks/{large_result.task_id}")
            latencies.append(time.monotonic() - started_at)

    assert (
        max(latencies) < sum(latencies) / 4
    )  # no request waits for the whole download


@pytest.mark.guarantee("A download holds no connection to the database.")
@pytest.mark.each_database
def test_slow_downloads_hold_no_database_connection(large_result: LargeResult):
    with ExitStack() as exit_stack:
        for _ in range(12):  # the pool has 8 connections
            exit_stack.enter_context(large_result.download())

        started_at = time.monotonic()
        large_result.client.request("GET", "/tasks")
        assert time.monotonic() - started_at < 2


@pytest.mark.guarantee("The log contains no token of a link.")
def test_log_contains_no_link_token(large_result: LargeResult):
    link = large_result.create_link()
    address, query = urlsplit(link), urlsplit(link).query
    requests.get(link, timeout=30)
    requests.get(f"{link}altered", timeout=30)
    target = (address.hostname, address.port)
    with socket.create_connection(target, timeout=10) as connection:
        connection.sendall(f"GET {address.path}?{query}\r\n\r\n".encode())
        connection.recv(1000)

    def log() -> str:
        return large_result.stack.supervisor.log_path("web").read_text()

    large_result.stack.wait_until(lambda: "Invalid request" in log())
    assert f"GET {large_result.path}" in log()
    assert query.removeprefix("link=") not in log()
    assert "link=" not in log()


def test_link_of_viewer_without_attachment_returns_404(large_result: LargeResult):
    link = large_result.create_link()
    before = requests.head(link, timeout=30).status_code

    run_in_shell(
        large_result.stack, f"Attachment.objects.get({ATTACHMENT_FIELDS}).delete()"
    )
    after = requests.get(link, timeout=30)
    run_in_shell(large_result.stack, f"Attachment.objects.create({ATTACHMENT_FIELDS})")

    assert (before, after.status_code) == (200, 404)
    assert after.json()["code"] == "not_found"

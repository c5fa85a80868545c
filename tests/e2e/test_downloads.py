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
    pytest.mark.skipif(not shutil.which("curl"), reason="no curl is here"),
    pytest.mark.one_database("a result is a file"),
]

MEGABYTE = 1024 * 1024
ROW = b"%07d,Escola Municipal,9A,Matematica,1,%d,6.50,2.00,9.75,1.81,74.2\r\n"
CURL_PARTIAL_FILE = 28
"""What curl ends with when its time is up."""


@dataclass(frozen=True)
class LargeResult:
    """A large result of somebody who may lose the right to see it."""

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
    """Download to `got` as the visitor, or by a link; what curl ends with."""
    headers = [] if url else ["-H", f"Authorization: Bearer {file.client.token}"]
    process = subprocess.run(
        ["curl", "-sS", "-f", *headers, "-o", "got", *arguments, url or file.url],
        cwd=folder,
        capture_output=True,
    )
    return process.returncode


@pytest.mark.parametrize("way", ["header", "link"])
def test_cut_download_is_resumed_by_curl(
    large_result: LargeResult, download_dir: Path, way
):
    url = large_result.create_link() if way == "link" else ""
    slowly = ["--limit-rate", "5M", "--max-time", "2"]

    first = curl(large_result, download_dir, *slowly, url=url)
    there = (download_dir / "got").stat().st_size
    second = curl(large_result, download_dir, "-C", "-", url=url)

    assert (first, second) == (CURL_PARTIAL_FILE, 0)
    assert MEGABYTE < there < len(large_result.content)
    assert (download_dir / "got").read_bytes() == large_result.content


def test_cut_download_that_was_compressed_begins_again(large_result: LargeResult):
    cut = large_result.download(**{"Accept-Encoding": "gzip"})
    first = cut.raw.read(MEGABYTE, decode_content=False)
    cut.close()

    resumed = large_result.download(**{
        "Accept-Encoding": "gzip", "If-Range": cut.headers["ETag"],
        "Range": f"bytes={len(first)}-",
    })  # fmt: skip

    assert cut.headers["ETag"].startswith('W/"')
    assert (cut.headers["Accept-Ranges"], resumed.status_code) == ("none", 200)
    packed = resumed.raw.read(decode_content=False)
    assert packed.startswith(b"\x1f\x8b")
    assert gzip.decompress(packed) == large_result.content


def test_compressed_download_is_the_file(large_result: LargeResult, download_dir: Path):
    assert curl(large_result, download_dir, "--compressed") == 0
    assert (download_dir / "got").read_bytes() == large_result.content


@pytest.mark.skipif(not shutil.which("aria2c"), reason="no aria2c is here")
def test_file_is_fetched_over_several_connections(
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
            "got",
            "--no-conf",
            large_result.create_link(),
        ],
        cwd=download_dir,
        check=True,
    )

    assert (download_dir / "got").read_bytes() == large_result.content
    entries = large_result.stack.query(
        "SELECT count(*) FROM tasks_accesslogentry WHERE task_id = ? AND action = ?",
        large_result.task_id
        if large_result.stack.is_postgresql
        else large_result.task_id.replace("-", ""),
        "downloaded",
    )
    assert entries[0][0] >= 4


@pytest.mark.guarantee("A download is resumed only with the same file.")
def test_part_goes_on_only_with_the_file_it_is_of(large_result: LargeResult):
    etag = large_result.download().headers["ETag"]

    part = large_result.download(Range="bytes=1000-", **{"If-Range": etag})
    whole = large_result.download(Range="bytes=1000-", **{"If-Range": '"another"'})

    assert (part.status_code, whole.status_code) == (206, 200)
    assert part.content == large_result.content[1000:]
    assert part.headers["Content-Length"] == str(len(large_result.content) - 1000)
    assert whole.content == large_result.content


def test_download_manager_without_headers_saves_it_under_its_name(
    large_result: LargeResult, download_dir: Path
):
    command = ["curl", "-sS", "-f", "-OJ", large_result.create_link()]
    subprocess.run(command, cwd=download_dir, check=True)

    (saved,) = download_dir.iterdir()
    document = large_result.client.request("GET", f"/tasks/{large_result.task_id}")
    assert saved.name == document["result"]["filename"]
    assert saved.read_bytes() == large_result.content


def test_head_by_curl_is_the_headers_alone(
    large_result: LargeResult, download_dir: Path
):
    assert curl(large_result, download_dir, "-I", url=large_result.create_link()) == 0

    head = (download_dir / "got").read_text().lower()
    assert head.startswith("http/1.1 200")
    assert f"content-length: {len(large_result.content)}" in head
    assert "accept-ranges: bytes" in head


def test_nothing_comes_between_a_head_and_the_next_answer(large_result: LargeResult):
    place = urlsplit(large_result.stack.base_url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as line:
        for method, path in (("HEAD", large_result.path), ("GET", "/healthz")):
            line.sendall(
                f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: Bearer {large_result.client.token}\r\n\r\n".encode()
            )
            received = b""
            while b"\r\n\r\n" not in received:
                received += line.recv(65536)
            assert received.startswith(b"HTTP/1.1 200")


def find_web_worker(stack: Stack) -> psutil.Process:
    """The process of gunicorn that answers."""
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
def test_large_download_takes_no_memory(large_result: LargeResult, headers):
    assert list(
        large_result.download(**headers).iter_content(MEGABYTE)
    )  # what is needed once
    process, ends, seen = find_web_worker(large_result.stack), threading.Event(), []
    before = process.memory_info().rss
    watch = threading.Thread(target=lambda: seen.extend(sample_memory(process, ends)))
    watch.start()

    received = sum(
        len(piece) for piece in large_result.download(**headers).iter_content(MEGABYTE)
    )
    ends.set()
    watch.join()

    assert received >= len(large_result.content) - 1 > 35 * MEGABYTE
    assert max(seen) - before < 4 * MEGABYTE


@pytest.mark.guarantee("A download delays no other request.")
def test_large_downloads_stall_no_other_request(
    large_result: LargeResult, download_dir: Path
):
    command = [
        "curl",
        "-s",
        "-H",
        "Accept-Encoding: gzip",
        "-o",
        "got",
        large_result.create_link(),
    ]
    waits = []
    with subprocess.Popen(command, cwd=download_dir) as download:
        while download.poll() is None:
            began = time.monotonic()
            large_result.client.request("GET", f"/tasks/{large_result.task_id}")
            waits.append(time.monotonic() - began)

    assert max(waits) < sum(waits) / 4  # not one of them for all of it


@pytest.mark.guarantee("A download holds no connection to the database.")
@pytest.mark.each_database
def test_slow_downloads_hold_no_connection_to_the_database(large_result: LargeResult):
    with ExitStack() as undo:
        for _ in range(12):  # there are 8 connections
            undo.enter_context(large_result.download())

        began = time.monotonic()
        large_result.client.request("GET", "/tasks")
        assert time.monotonic() - began < 2


@pytest.mark.guarantee("The log contains no token of a link.")
def test_log_has_no_token_of_a_link(large_result: LargeResult):
    link = large_result.create_link()
    place, query = urlsplit(link), urlsplit(link).query
    requests.get(link, timeout=30)
    requests.get(f"{link}altered", timeout=30)
    with socket.create_connection((place.hostname, place.port), timeout=10) as line:
        line.sendall(f"GET {place.path}?{query}\r\n\r\n".encode())
        line.recv(1000)

    def log() -> str:
        return large_result.stack.supervisor.log_path("web").read_text()

    large_result.stack.wait_until(lambda: "Invalid request" in log())
    assert f"GET {large_result.path}" in log()
    assert query.removeprefix("link=") not in log()
    assert "link=" not in log()


def test_link_dies_with_its_viewer_s_attachment(large_result: LargeResult):
    link = large_result.create_link()
    before = requests.head(link, timeout=30).status_code

    run_in_shell(
        large_result.stack, f"Attachment.objects.get({ATTACHMENT_FIELDS}).delete()"
    )
    after = requests.get(link, timeout=30)
    run_in_shell(large_result.stack, f"Attachment.objects.create({ATTACHMENT_FIELDS})")

    assert (before, after.status_code) == (200, 404)
    assert after.json()["code"] == "not_found"

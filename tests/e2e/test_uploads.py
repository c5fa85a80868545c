"""Rate and size of uploads, at a real HTTP server with a path of the tests' own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from school.runtime.embedded_redis import free_port
from tests.support.raw_http import (
    Answer,
    connect,
    exchange,
    head_of,
    read_answer,
    to_chunk,
)
from tests.support.upload_app import MAX_BYTES

MIN_RATE = 16 * 1024
WINDOW_SECONDS = 2
"""`MAX_BODY_SECONDS` of the server; the uploads take longer."""
STEP_SECONDS = 0.1


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    base_url = f"http://127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            sys.executable, "-m", "gunicorn", "tests.support.upload_app",
            "--bind", base_url.removeprefix("http://"), "--no-control-socket",
            "--worker-class", "api.http.gunicorn_worker.Worker",
        ],
        cwd=Path(__file__).parent.parent.parent,
        env={**os.environ, "MAX_BODY_SECONDS": str(WINDOW_SECONDS)},
    )  # fmt: skip
    try:
        for _ in range(300):
            try:
                connect(base_url).close()
                break
            except OSError:
                time.sleep(0.1)
        yield base_url
    finally:
        process.terminate()
        process.wait()


def upload(base_url: str, *, burst: int = 0, rate: int, seconds: float) -> Answer:
    """Send a burst, and then the rate for some seconds; return the response."""
    step = round(rate * STEP_SECONDS)
    steps = round(seconds / STEP_SECONDS)
    head = head_of("PUT", "/upload", Content_Length=burst + step * steps)
    with exchange(base_url, head + b"x" * burst) as connection:
        for _ in range(steps):
            time.sleep(STEP_SECONDS)
            try:
                connection.sendall(b"x" * step)
            except OSError:  # refused
                break
        return read_answer(connection, "PUT")


def test_upload_above_the_minimum_rate_may_take_longer(base_url):
    answer = upload(base_url, rate=2 * MIN_RATE, seconds=3 * WINDOW_SECONDS)

    assert answer.status == 200
    assert answer.content == b"%d " % (60 * round(2 * MIN_RATE * STEP_SECONDS))


def test_upload_below_the_minimum_rate_returns_408(base_url):
    answer = upload(base_url, rate=MIN_RATE // 2, seconds=3 * WINDOW_SECONDS)

    assert answer.status == 408
    assert answer.content.endswith(b" body_too_slow")


@pytest.mark.guarantee("An upload must keep a minimum rate in every window of time.")
def test_upload_that_stalls_after_a_burst_returns_408(base_url):
    started_at = time.monotonic()

    answer = upload(base_url, burst=2_000_000, rate=10, seconds=10 * WINDOW_SECONDS)

    assert answer.status == 408
    assert time.monotonic() - started_at < 2 * WINDOW_SECONDS + 2


def test_upload_of_the_maximum_size_is_accepted(base_url):
    answer = upload(base_url, burst=MAX_BYTES, rate=0, seconds=0)

    assert (answer.status, answer.content) == (200, b"%d " % MAX_BYTES)


def test_chunked_upload_above_the_maximum_size_returns_413(base_url):
    head = head_of("PUT", "/upload", Transfer_Encoding="chunked")
    with exchange(base_url, head + to_chunk(b"x" * MAX_BYTES)) as connection:
        connection.sendall(to_chunk(b"x") + b"0\r\n\r\n")
        answer = read_answer(connection, "PUT")

    assert answer.status == 413


def test_other_path_has_the_limit_of_requests(base_url):
    head = head_of("PUT", "/other", Content_Length=64 * 1024 + 1)
    with exchange(base_url, head) as connection:
        answer = read_answer(connection, "PUT")

    assert answer.status == 413

"""Cost of polling a running task, against FastAPI, Django REST framework and django-ninja.

python -m bench.web_polls [--rounds 5] [--load-seconds 5]
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import psutil

from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import Runs, describe_conditions, ratio, run_interleaved
from bench.web_peers import Peers, peer_token
from bench.web_servers import (
    OURS,
    WebServer,
    make_tokens,
    our_web,
    result_table,
    run_service,
)
from bench.wrk import Load, Request, fetch
from tests.support.stack import Stack, suspend

OWNER_ID = 7
FASTAPI, DRF, NINJA = "FastAPI", "DRF, AsyncResult", "django-ninja"
GOALS = {"fastapi": FASTAPI, "drf": DRF, "ninja": NINJA}
SLOW = '{"report": "slow", "parameters": {"seconds": 600}, "format": "csv"}'
START_SECONDS = 30
DESCRIPTION = """\
`GET /tasks/<id>` of a running task, over 16 connections of wrk that stay open. Each server is one process on one core;
wrk, Redis and PostgreSQL are on another. The CPU time is that of the server's processes, user and system, per request. Every
server verifies an HS256 token, reads the task from the same Redis, checks its owner and writes an access log; every
response is checked to be 200, or 304 where the request has the `ETag`.

- “Ours” is the web process of the service with all its middlewares.
- “FastAPI”: uvicorn with uvloop and httptools, redis.asyncio, PyJWT and a pydantic model.
- “DRF, AsyncResult”: gunicorn with a gevent worker, the middlewares of `startproject`, PyJWT, Celery's `AsyncResult`, whose `state` and `info` read Redis once each, and a serializer.
- “django-ninja”: the same server with a schema and a plain read from Redis.

The peers have no row for the user and a document of 300 bytes, less than half of ours. “Ours ×” is our CPU time as a multiple of the server's, and our throughput as a multiple of its.
"""


@contextmanager
def running_task(stack: Stack, token: str) -> Iterator[str]:
    """Start a task and freeze its worker inside the block, so that the document stays the same.

    The value is the path of the task.
    """
    submit = Request("/reports", token, "POST", body=SLOW)
    _status, _etag, content = fetch(stack.base_url, submit)
    path = json.loads(content)["links"]["self"]

    def is_running() -> bool:
        document = json.loads(fetch(stack.base_url, Request(path, token))[2])
        return bool(document["state"] == "running")

    stack.wait_until(is_running, START_SECONDS)
    worker = psutil.Process(stack.supervisor.processes["worker-reports"].pid)
    with suspend([worker, *worker.children(recursive=True)]):
        yield path


def measure_polls(
    servers: Mapping[str, tuple[WebServer, Request]], options: Options, status: int
) -> Runs:
    """Measure the poll of each server that responds with this status."""
    variants = {}
    for name, (server, request) in servers.items():
        etag = fetch(server.url, request)[1]  # also waits until the server has started
        if status == 304:
            request = replace(request, etag=etag)
        load = Load([request], [status])
        variants[name] = partial(server.measure, load, options.load_seconds)
    return run_interleaved(variants, options.rounds)


def main(options: Options) -> None:
    with run_service() as stack:
        (token,) = make_tokens(stack, 1)
        peers = Peers.beside(stack)
        peer_path = f"/tasks/{peers.write_running_task(OWNER_ID)}"
        peer_request = Request(peer_path, peer_token(OWNER_ID))
        ninja_request = replace(peer_request, path=f"/ninja{peer_path}")
        with (
            running_task(stack, token) as path,
            our_web(stack) as ours,
            peers.fastapi() as fastapi,
            peers.django() as django,
        ):
            servers = {
                OURS: (ours, Request(path, token)),
                FASTAPI: (fastapi, peer_request),
                DRF: (django, peer_request),
                NINJA: (django, ninja_request),
            }
            runs = {s: measure_polls(servers, options, s) for s in (200, 304)}
    text = [
        DESCRIPTION,
        describe_conditions(options, f"{options.load_seconds:g} s of load"),
    ]
    for status, status_runs in runs.items():
        text += [f"### {status}", result_table(status_runs)]
    values = {
        f"poll-{name}-{status}": ratio(
            runs[status][OURS], runs[status][peer], "cpu_seconds"
        )
        for status in runs
        for name, peer in GOALS.items()
    }
    save_section("bench.web_polls", "\n\n".join(text), values, options)


if __name__ == "__main__":
    main(read_options(__doc__))

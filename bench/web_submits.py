"""Cost of accepting a report, against Django REST framework and FastAPI with Celery's `delay`.

python -m bench.web_submits [--rounds 5] [--load-seconds 5]
"""

from collections.abc import Sequence
from functools import partial

import psycopg
import redis

from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import Run, describe_conditions, ratio, run_interleaved
from bench.web_peers import Peers, peer_token
from bench.web_servers import (
    OURS,
    WebServer,
    make_tokens,
    our_web,
    result_table,
    run_service,
    stop_consumers,
)
from bench.wrk import CONNECTIONS, Load, Request, fetch
from tests.support.stack import Stack

FASTAPI, DRF = "FastAPI, INSERT, delay", "DRF, delay"
BODY = (
    '{"report": "class_performance", "parameters": {"class_id": 1},'
    ' "format": "csv", "label": "report NUMBER"}'
)
ACCEPTED = 202
DESCRIPTION = """\
`POST /reports` of the report of one class until its 202, over 16 connections of wrk, for 16 users in turns. Each request has a
label of its own, so that none joins the queued task of another; no limit refuses one, and every response is
checked to be 202. Each server is one process on one core; wrk, Redis and PostgreSQL are on another. The CPU time is that of
the server's processes, per request. Each request sends a message to Redis; no worker takes it, and the queue is
emptied between the runs.

- “Ours” commits the row with its access log entry, after the checks of rights, quotas, storage and equal tasks, and writes the document for polls.
- “DRF, delay”: a serializer and Celery's `delay` with `ignore_result`, on gunicorn with a gevent worker; no row.
- “FastAPI, INSERT, delay”: uvicorn with uvloop, a pydantic model, one INSERT by asyncpg, and Celery's `delay`.

The peers know the user from the token alone. “Ours ×” is our CPU time as a multiple of the server's, and our throughput as a multiple of its.
"""


def submissions(tokens: Sequence[str]) -> Load:
    """Return the load of submissions, with these users in turns."""
    requests = [Request("/reports", token, "POST", body=BODY) for token in tokens]
    return Load(requests, [ACCEPTED])


def wait_for_start(server: WebServer, load: Load) -> None:
    status, _etag, content = fetch(server.url, load.requests[0])
    if status != ACCEPTED:
        raise RuntimeError(f"{server.url}: {status} {content!r}")


def empty_queue(stack: Stack, peer_redis_url: str = "") -> None:
    """Delete what waits: rows, and messages of the service and of the peers."""
    with psycopg.connect(stack.database_url) as connection:
        connection.execute("DELETE FROM tasks_task WHERE state = 'queued'")
    for key in stack.redis.scan_iter("reports*"):
        stack.redis.delete(key)
    if peer_redis_url:
        with redis.Redis.from_url(peer_redis_url) as client:
            client.delete("peers")


def measure_submits(
    server: WebServer,
    load: Load,
    stack: Stack,
    seconds: float,
    peer_redis_url: str = "",
) -> Run:
    run = server.measure(load, seconds)
    empty_queue(stack, peer_redis_url)
    return run


def main(options: Options) -> None:
    with run_service() as stack:
        our_load = submissions(make_tokens(stack))
        peer_load = submissions([peer_token(number) for number in range(CONNECTIONS)])
        stop_consumers(stack)
        peers = Peers.beside(stack)
        with (
            our_web(stack) as ours,
            peers.fastapi() as fastapi,
            peers.django() as django,
        ):
            servers = {
                OURS: (ours, our_load),
                DRF: (django, peer_load),
                FASTAPI: (fastapi, peer_load),
            }
            for server, load in servers.values():
                wait_for_start(server, load)
            variants = {
                name: partial(
                    measure_submits,
                    server,
                    load,
                    stack,
                    options.load_seconds,
                    peers.environment["PEER_REDIS_URL"],
                )
                for name, (server, load) in servers.items()
            }
            runs = run_interleaved(variants, options.rounds)
    text = [
        DESCRIPTION,
        describe_conditions(options, f"{options.load_seconds:g} s of load"),
        result_table(runs),
    ]
    values = {
        "submit-drf": ratio(runs[OURS], runs[DRF], "cpu_seconds"),
        "submit-fastapi": ratio(runs[OURS], runs[FASTAPI], "cpu_seconds"),
    }
    save_section("bench.web_submits", "\n\n".join(text), values, options)


if __name__ == "__main__":
    main(read_options(__doc__))

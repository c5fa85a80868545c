"""Cost of `GET /reports`, `GET /tasks` and `GET /me`, against plain serializers of DRF.

python -m bench.web_lists [--rounds 5] [--load-seconds 5]
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import ROOT, describe_conditions, ratio, run_interleaved
from bench.web_data import insert_finished_tasks
from bench.web_peers import gunicorn_command, peer_token
from bench.web_servers import (
    OURS,
    WebServer,
    make_tokens,
    our_web,
    result_table,
    run_service,
    web_server,
)
from bench.wrk import Load, Request, fetch
from school.runtime.embedded_redis import free_port
from tests.support.stack import Stack

PLAIN = "plain DRF"
OUR_PATHS = {"reports": "/reports", "tasks": "/tasks?page_size=20", "me": "/me"}
PEER_PATHS = {"reports": "/reports", "tasks": "/tasks", "me": "/me"}
TASK_COUNT = 100
DESCRIPTION = """\
Lists of a teacher of two classes with 100 finished tasks, over 16 connections of wrk. “Plain DRF” is a project
in our own environment, on the same models and the same PostgreSQL: gunicorn with a gevent worker, the middlewares of
`startproject`, PyJWT and the user's row, Django's pool of connections, and for each list a serializer with the data that ours
has: for `/tasks` a `ListAPIView` with a `ModelSerializer` and DRF's cursor pagination, for `/reports` a serializer of the
classes of reports, each with a JSON Schema made once. It has no ETags, links, look-ups, translations, compression or
checks that the scope of a task is still visible.
The CPU time is that of the server's processes, per request.
"""


@contextmanager
def plain_web(stack: Stack) -> Iterator[WebServer]:
    port = free_port()
    environment = {
        **stack.environment,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "bench.peers.plain_settings",
    }
    command = [sys.executable, *gunicorn_command(port)]
    with web_server(
        "plain", command, port, folder=stack.folder, environment=environment
    ) as server:
        yield server


def main(options: Options) -> None:
    text = [
        DESCRIPTION,
        describe_conditions(options, f"{options.load_seconds:g} s of load"),
    ]
    values = {}
    with run_service() as stack:
        (token,) = make_tokens(stack, 1)
        (user_id,) = insert_finished_tasks(stack, token, TASK_COUNT)
        with our_web(stack) as ours, plain_web(stack) as plain:
            for name in OUR_PATHS:
                requests = {
                    OURS: (ours, Request(OUR_PATHS[name], token)),
                    PLAIN: (plain, Request(PEER_PATHS[name], peer_token(user_id))),
                }
                variants = {}
                for server_name, (server, request) in requests.items():
                    fetch(server.url, request)  # waits until the server has started
                    load = Load([request], [200])
                    variants[server_name] = partial(
                        server.measure, load, options.load_seconds
                    )
                runs = run_interleaved(variants, options.rounds)
                values[f"list-{name}"] = ratio(runs[OURS], runs[PLAIN], "cpu_seconds")
                text += [f"### GET /{name}", result_table(runs)]
    save_section("bench.web_lists", "\n\n".join(text), values, options)


if __name__ == "__main__":
    main(read_options(__doc__))

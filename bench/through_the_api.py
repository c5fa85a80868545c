"""A class's report cards through the API, against the bare call of what makes them.

python -m bench.through_the_api [--students 100000] [--rounds 5]
"""

import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from api.client import Client
from bench import network
from bench.options import Options, read_options
from bench.results import keep
from bench.runs import Run, Way, check_same, circumstances, interleaved, median, table
from tests.stack import Stack

CARDS = {"report": "report_card", "parameters": {"class_id": 1}, "format": "pdf"}
FACTOR, MARGIN = 1.2, 0.05
"""The goal: so many times as long, and so many seconds more."""
ENGINE, API = "engine", "through the API"
WANTED = """\
The cards of one class as PDF. “Engine” is the function that the worker calls, in a process that
has made them once before, from the queries to the file on the disk. “Through the API” is `POST
/reports?wait=25` until the answer that it is ready, and `GET` of the file until its last byte: with the real web
process, Redis, dispatcher and worker, on the same PostgreSQL.
"""


def asked(client: Client) -> Run:
    began = time.perf_counter()
    task = client.ask("POST", "/reports?wait=25", CARDS)
    if task["state"] != "succeeded":
        raise RuntimeError(f"it has not succeeded: {task}")
    request = urllib.request.Request(
        client.base + task["links"]["result"],
        headers={"Authorization": f"Bearer {client.token}"},
    )
    with urllib.request.urlopen(request) as answer:
        content: bytes = answer.read()
    seconds = time.perf_counter() - began
    return Run(seconds, 0.0, _answer(task["result"]["rows"], len(content)))


def _answer(rows: int, size: int) -> Any:
    # The moment of making is in the file, and packs by a byte more or less.
    return {"rows": rows, "kilobytes": size // 1000}


def engine(way: Way) -> Run:
    run = way()
    return Run(run.seconds, run.cpu_seconds, _answer(run.answer["rows"], run.answer["bytes"]))  # fmt: skip


def main(options: Options) -> None:
    with (
        network.networks(options.students, "postgresql") as urls,
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Stack(Path(folder), urls["postgresql"], options.students) as stack,
    ):
        client = stack.as_user("admin")
        bare = Way(
            "bench.engine:made",
            {
                "kind": CARDS["report"],
                "parameters": CARDS["parameters"],
                "format": CARDS["format"],
                "folder": folder,
                "warm": True,
            },
            environment=network.environment(urls["postgresql"]),
        )
        ways = {ENGINE: lambda: engine(bare), API: lambda: asked(client)}
        runs = interleaved(ways, options.rounds)
    check_same(runs, ENGINE, API)
    allowed = FACTOR * median(runs[ENGINE]) + MARGIN
    text = [
        WANTED,
        circumstances(options),
        table(runs, ENGINE),
        f"Allowed are {FACTOR} × the engine + {1000 * MARGIN:.0f} ms = {allowed:.3f} s.",
    ]
    found = {"api": median(runs[API]) / allowed}
    keep("bench.through_the_api", "\n\n".join(text), found, options)


if __name__ == "__main__":
    main(read_options(__doc__))

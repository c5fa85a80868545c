"""A class's report cards through the API, against the bare call of what makes them.

python -m bench.through_the_api [--students 100000] [--rounds 5]
"""

import io
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median as middle
from typing import Any

from bench import network
from bench.options import Options, read_options
from bench.results import keep
from bench.runs import Run, Way, check_same, circumstances, interleaved, median, table
from school.runtime.client import Client
from tests.support.stack import Stack

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
PROCESSES = 2
"""Of a worker; each is to have made the cards before, as the engine has."""
PARTS = (
    "asking, until the row is there",
    "the road, until a worker has claimed it",
    "making, until it is settled",
    "telling, until the answer is there",
    "fetching",
)


def asked(client: Client, parts: list[list[float]]) -> Run:
    clock, began = time.time(), time.perf_counter()
    task = client.request("POST", "/reports?wait=25", CARDS)
    told = time.time()
    if task["state"] != "succeeded":
        raise RuntimeError(f"it has not succeeded: {task}")
    content = io.BytesIO()
    client.download(task["links"]["result"], content)
    seconds = time.perf_counter() - began
    moved = [
        _moment(task[name]) for name in ("created_at", "started_at", "finished_at")
    ]
    moments = [clock, *moved, told, clock + seconds]
    parts.append([end - start for start, end in pairwise(moments)])
    return Run(seconds, 0.0, _answer(task["result"]["rows"], content.tell()))


def _moment(told: str) -> float:
    return datetime.fromisoformat(told).timestamp()


def profile(parts: Sequence[Sequence[float]]) -> str:
    """What each part of the way through the API took, by the clocks of both sides."""
    lines = ["| of the way through the API | ms |", "|---|---|"]
    for name, times in zip(PARTS, zip(*parts, strict=True), strict=True):
        lines.append(f"| {name} | {1000 * middle(times):.0f} |")
    return "\n".join(lines)


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
        parts: list[list[float]] = []
        ways = {ENGINE: lambda: engine(bare), API: lambda: asked(client, parts)}
        for _time in range(2 * PROCESSES):
            asked(client, [])
        runs = interleaved(ways, options.rounds)
    check_same(runs, ENGINE, API)
    allowed = FACTOR * median(runs[ENGINE]) + MARGIN
    text = [
        WANTED,
        circumstances(options),
        table(runs, ENGINE),
        profile(parts),
        f"Allowed are {FACTOR} × the engine + {1000 * MARGIN:.0f} ms = {allowed:.3f} s.",
    ]
    found = {"api": median(runs[API]) / allowed}
    keep("bench.through_the_api", "\n\n".join(text), found, options)


if __name__ == "__main__":
    main(read_options(__doc__))

"""Report cards of a class through the API, against a direct call of the report builder.

python -m bench.through_the_api [--students 100000] [--rounds 5]
"""

import io
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median as median_value
from typing import Any

from bench import network
from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import (
    Run,
    Variant,
    check_same,
    describe_conditions,
    median,
    run_interleaved,
    table,
)
from school.runtime.client import Client
from tests.support.stack import Stack

CARDS = {"report": "report_card", "parameters": {"class_id": 1}, "format": "pdf"}
FACTOR, MARGIN_SECONDS = 1.2, 0.05
"""Goal: at most this multiple of the engine's time plus this margin."""
ENGINE, API = "engine", "through the API"
DESCRIPTION = """\
The cards of one class as PDF. “Engine” is the function that the worker calls, from the queries to the
file on disk, in a process that has made the cards once before. “Through the API” is `POST
/reports?wait=25` until the response with the final state, and `GET` of the file until its last byte, with the real web
process, Redis, dispatcher and worker, on the same PostgreSQL.
"""
WORKER_PROCESSES = 2
"""Pool processes of a worker; each must have made the cards before, as the engine has."""
PHASES = (
    "submitting, until the row is committed",
    "queueing, until a worker has claimed the task",
    "building, until the final transition",
    "notifying, until the response arrives",
    "downloading",
)


def run_request(client: Client, phases: list[list[float]]) -> Run:
    started_at, perf_start = time.time(), time.perf_counter()
    task = client.request("POST", "/reports?wait=25", CARDS)
    answered_at = time.time()
    if task["state"] != "succeeded":
        raise RuntimeError(f"the task did not succeed: {task}")
    content = io.BytesIO()
    client.download(task["links"]["result"], content)
    seconds = time.perf_counter() - perf_start
    transitions = [
        _timestamp(task[name]) for name in ("created_at", "started_at", "finished_at")
    ]
    timestamps = [started_at, *transitions, answered_at, started_at + seconds]
    phases.append([end - start for start, end in pairwise(timestamps)])
    return Run(seconds, 0.0, _comparable_answer(task["result"]["rows"], content.tell()))


def _timestamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def breakdown_table(phases: Sequence[Sequence[float]]) -> str:
    """Return a table of the phases of a request, by the clocks of client and server."""
    lines = ["| phase of the request | ms |", "|---|---|"]
    for name, times in zip(PHASES, zip(*phases, strict=True), strict=True):
        lines.append(f"| {name} | {1000 * median_value(times):.0f} |")
    return "\n".join(lines)


def _comparable_answer(rows: int, size: int) -> Any:
    # The file contains its creation time, which compresses to a varying number of bytes.
    return {"rows": rows, "kilobytes": size // 1000}


def run_engine(variant: Variant) -> Run:
    run = variant()
    return Run(run.seconds, run.cpu_seconds, _comparable_answer(run.answer["rows"], run.answer["bytes"]))  # fmt: skip


def main(options: Options) -> None:
    with (
        network.datasets(options.students, "postgresql") as urls,
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Stack(Path(folder), urls["postgresql"], options.students) as stack,
    ):
        client = stack.as_user("admin")
        engine_variant = Variant(
            "bench.engine:prepare_report",
            {
                "kind": CARDS["report"],
                "parameters": CARDS["parameters"],
                "format": CARDS["format"],
                "folder": folder,
                "warm": True,
            },
            environment=network.environment(urls["postgresql"]),
        )
        phases: list[list[float]] = []
        variants = {
            ENGINE: lambda: run_engine(engine_variant),
            API: lambda: run_request(client, phases),
        }
        for _time in range(2 * WORKER_PROCESSES):
            run_request(client, [])
        runs = run_interleaved(variants, options.rounds)
    check_same(runs, ENGINE, API)
    max_seconds = FACTOR * median(runs[ENGINE]) + MARGIN_SECONDS
    text = [
        DESCRIPTION,
        describe_conditions(options),
        table(runs, ENGINE),
        breakdown_table(phases),
        f"The goal allows {FACTOR} × the engine + {1000 * MARGIN_SECONDS:.0f} ms = {max_seconds:.3f} s.",
    ]
    goal_values = {"api": median(runs[API]) / max_seconds}
    save_section("bench.through_the_api", "\n\n".join(text), goal_values, options)


if __name__ == "__main__":
    main(read_options(__doc__))

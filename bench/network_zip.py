"""All report cards of a network as one ZIP, requested through the API.

python -m bench.network_zip [--students 100000]
"""

import re
import tempfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from bench import network
from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import describe_conditions, tree_pss_bytes
from school.runtime.client import Client
from tests.support.stack import Stack

CARDS = {"report": "report_card", "parameters": {"year": 2026}, "format": "zip"}
WORKER = "worker-bulk"
PRODUCTION_TIMEOUTS = {"LEASE_SECONDS": "15", "REPUBLISH_AFTER_SECONDS": "10"}
"""Production values: the tests' timeouts are too short for a busy machine."""
POLL_SECONDS = 0.5
RELOGIN_SECONDS = 300
"""Seconds between logins, since the report takes longer than a token is valid."""
COUNT = re.compile(rb"/Type/Pages/Count (\d+)/Kids")
DESCRIPTION = """\
`POST /reports` for the cards of a year, by a user who sees every school; the task is polled until it is final, the ZIP is downloaded,
and each of its files is opened. With the real web process, Redis, dispatcher and workers, on PostgreSQL. Memory is that of
the bulk worker: its main process, its pool process and the typesetters (PSS).
"""


def follow_task(stack: Stack, client: Client) -> tuple[dict[str, Any], int]:
    """Poll a new task until it is final; return it and the peak memory of its worker in bytes."""
    task = client.request_report(CARDS)
    worker = psutil.Process(stack.supervisor.processes[WORKER].pid)
    peak, last_login = 0, time.monotonic()
    while task["poll_after_ms"] is not None:
        time.sleep(POLL_SECONDS)
        # The pool process has the same command line, so `tree_pss_bytes` omits it as a child.
        peak = max(
            peak, sum(tree_pss_bytes(p.pid) for p in [worker, *worker.children()])
        )
        if time.monotonic() - last_login > RELOGIN_SECONDS:
            client.log_in("admin", "demo")
            last_login = time.monotonic()
        task = client.request("GET", task["links"]["self"])
    if task["state"] != "succeeded":
        raise RuntimeError(f"the task did not succeed: {task}")
    return task, peak


def page_counts(path: Path) -> list[int]:
    """Return the number of pages of each file in the ZIP; reading checks their CRCs."""
    with zipfile.ZipFile(path) as archive:
        return [
            int(COUNT.findall(archive.read(name))[-1]) for name in archive.namelist()
        ]


def main(options: Options) -> None:
    network.DATA.mkdir(exist_ok=True)
    with (
        network.datasets(options.students, "postgresql") as urls,
        tempfile.TemporaryDirectory(prefix="bench-", dir=network.DATA) as folder,
        Stack(
            Path(folder), urls["postgresql"], options.students, **PRODUCTION_TIMEOUTS
        ) as stack,
    ):
        client = stack.as_user("admin")
        started_at = time.monotonic()
        task, peak = follow_task(stack, client)
        ready_at = time.monotonic()
        path = Path(folder) / "cards.zip"
        with path.open("wb") as file:
            client.download(task["links"]["result"], file)
        seconds, size = time.monotonic() - ready_at, path.stat().st_size
        pages_per_file = page_counts(path)
    lines = [
        "| of the ZIP | |",
        "|---|---|",
        f"| files | {len(pages_per_file):,} |",
        f"| pages | {sum(pages_per_file):,} |",
        f"| rows | {task['result']['rows']:,} |",
        f"| MB | {size / 1e6:,.0f} |",
        f"| seconds until it is ready | {ready_at - started_at:,.0f} |",
        f"| ms a page | {1000 * (ready_at - started_at) / sum(pages_per_file):.1f} |",
        f"| seconds to fetch it | {seconds:.1f} |",
        f"| attempts | {task['attempt']} |",
        f"| the worker at most, MB | {peak / 1e6:.0f} |",
    ]
    text = [
        DESCRIPTION,
        describe_conditions(replace(options, rounds=1)),
        "\n".join(lines),
    ]
    save_section("bench.network_zip", "\n\n".join(text), {}, options)


if __name__ == "__main__":
    main(read_options(__doc__))

"""Reports a second with two worker processes, against one.

python -m bench.web_workers [--rounds 5]
"""

import time
from functools import partial

from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import Run, Runs, describe_conditions, median, ratio, run_interleaved
from bench.web_servers import make_tokens, run_service
from bench.web_submits import BODY
from bench.wrk import Request, fetch
from school.runtime.processes import service_commands
from school.runtime.supervisor import start_child
from tests.support.stack import Stack

REPORTS = 100
WORKER = "worker-reports"
WAIT_SECONDS = 300
ONE, TWO = "one process", "two processes"
SPAN = """
    SELECT extract(epoch FROM max(finished_at) - min(started_at))
    FROM tasks_task WHERE label <> '' AND state = 'succeeded'
"""
UNFINISHED = (
    "SELECT count(*) FROM tasks_task WHERE label <> '' AND state <> 'succeeded'"
)
DESCRIPTION = """\
{count} times the statistics of one class as CSV wait in the queue when the worker starts, with one or two pool
processes. The time is from the start of the first report to the end of the last, on all cores, which
Redis, PostgreSQL and the dispatcher share.
"""


def submit_reports(stack: Stack, token: str) -> None:
    submit = Request("/reports", token, "POST", body=BODY)
    for _number in range(REPORTS):
        status, _etag, content = fetch(stack.base_url, submit)
        if status != 202:
            raise RuntimeError(f"{status} {content!r}")


def wait_until_finished(stack: Stack) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while stack.query(UNFINISHED)[0][0]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the reports did not finish in {WAIT_SECONDS} s")
        time.sleep(0.5)  # each query takes CPU time from the workers


def run_worker(stack: Stack, token: str, processes: int) -> Run:
    """Let a worker with this many processes make the reports; return the time of one report."""
    submit_reports(stack, token)
    command = service_commands(bind="")[WORKER]
    command[command.index("--concurrency") + 1] = str(processes)
    worker = start_child(
        command, log=stack.folder / "bench-worker.log", environment=stack.environment
    )
    try:
        wait_until_finished(stack)
    finally:
        worker.terminate()
        worker.wait()
    seconds = float(stack.query(SPAN)[0][0])
    stack.query("DELETE FROM tasks_task WHERE label <> '' RETURNING id")
    return Run(seconds / REPORTS, 0.0)


def result_table(runs: Runs) -> str:
    lines = ["| worker | reports/s | lowest, highest |", "|---|---|---|"]
    for name, worker_runs in runs.items():
        rates = [1 / run.seconds for run in worker_runs]
        lines.append(
            f"| {name} | {1 / median(worker_runs):.2f} | {min(rates):.2f}, {max(rates):.2f} |"
        )
    return "\n".join(lines)


def main(options: Options) -> None:
    with run_service(is_spread=True) as stack:
        (token,) = make_tokens(stack, 1)
        worker = stack.supervisor.processes[WORKER]
        worker.terminate()
        worker.wait()
        variants = {
            ONE: partial(run_worker, stack, token, 1),
            TWO: partial(run_worker, stack, token, 2),
        }
        runs = run_interleaved(variants, options.rounds)
    text = [
        DESCRIPTION.format(count=REPORTS),
        describe_conditions(options, f"{REPORTS} reports"),
        result_table(runs),
    ]
    values = {"workers-two": ratio(runs[ONE], runs[TWO])}
    save_section("bench.web_workers", "\n\n".join(text), values, options)


if __name__ == "__main__":
    main(read_options(__doc__))

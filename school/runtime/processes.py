"""The service's long-running processes: what each one is and how it is started."""

import os
import sys
from pathlib import Path

MANAGE_PY = Path(__file__).resolve().parent.parent.parent / "manage.py"
_REPORT_POOL = "threads" if sys.platform == "win32" else "prefork"
_CHILD_VARIABLES = {
    "PATH",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
    "TMPDIR",
    "TEMP",
}


def minimal_env() -> dict[str, str]:
    """What a short-lived child of ours needs, and none of our secrets."""
    return {
        name: value for name, value in os.environ.items() if name in _CHILD_VARIABLES
    }


def service_commands(*, bind: str) -> dict[str, list[str]]:
    """Each process's command, by its name; `bind` is what the web process listens on."""
    return {
        "web": [
            sys.executable, "-m", "gunicorn", "school.wsgi", "--bind", bind,
            "--worker-class", "api.http.gunicorn_worker.Worker", "--no-control-socket",
            # Each client that waits is one, and costs little; some poll on theirs.
            "--worker-connections", "10000", "--keep-alive", "20",
            "--limit-request-line", "4094", "--limit-request-fields", "100",
            "--limit-request-field_size", "8190",
            # Longer than the longest answer.
            "--graceful-timeout", "30",
            # Against slow leaks; the spread keeps workers from restarting together.
            "--max-requests", "100000", "--max-requests-jitter", "10000",
        ],
        "worker-reports": _worker_command("reports", pool=_REPORT_POOL, concurrency=2),
        "worker-bulk": _worker_command("reports.bulk", pool=_REPORT_POOL, concurrency=1),
        "worker-default": _worker_command("default", pool="gevent", concurrency=50),
        "dispatcher": [sys.executable, str(MANAGE_PY), "dispatch"],
    }  # fmt: skip


def _worker_command(queue: str, *, pool: str, concurrency: int) -> list[str]:
    # Prefetching strands messages behind a long report; without it gevent was measured
    # to pause 1.7 s after each task.
    prefetch = (
        ["--prefetch-multiplier", "4"] if pool == "gevent" else ["--disable-prefetch"]
    )
    return [
        sys.executable, "-m", "celery", "-A", "school", "worker",
        "--hostname", f"{queue}@%h", "--queues", queue,
        "--pool", pool, "--concurrency", str(concurrency), *prefetch,
        "--without-gossip", "--without-mingle",
    ]  # fmt: skip

"""Commands of the service's long-running processes."""

import sys
from pathlib import Path

MANAGE_PY = Path(__file__).resolve().parent.parent.parent / "manage.py"


def service_commands(*, bind: str) -> dict[str, list[str]]:
    """Return the command of each process by name; `bind` is the web process's address."""
    return {
        "web": [
            sys.executable, "-m", "gunicorn", "school.wsgi", "--bind", bind,
            "--worker-class", "api.http.gunicorn_worker.Worker", "--no-control-socket",
            # Each long-polling client holds one cheap connection; others keep theirs alive
            # between polls.
            "--worker-connections", "10000", "--keep-alive", "20",
            "--limit-request-line", "4094", "--limit-request-fields", "100",
            "--limit-request-field_size", "8190",
            # Django alone reads the headers of proxies, as TRUSTED_PROXIES says; gunicorn
            # would believe those of every client on this host.
            "--forwarded-allow-ips", "",
            # Longer than the longest response.
            "--graceful-timeout", "30",
            # Against slow leaks; the spread keeps workers from restarting together.
            "--max-requests", "100000", "--max-requests-jitter", "10000",
        ],
        "worker-reports": _worker_command("reports", pool="prefork", concurrency=2),
        "worker-bulk": _worker_command("reports.bulk", pool="prefork", concurrency=1),
        "worker-default": _worker_command("default", pool="gevent", concurrency=50),
        "dispatcher": [sys.executable, str(MANAGE_PY), "dispatch"],
    }  # fmt: skip


def _worker_command(queue: str, *, pool: str, concurrency: int) -> list[str]:
    # Prefetched messages wait behind a long report. The gevent pool was measured to pause
    # 1.7 s after each task without prefetching.
    prefetch = (
        ["--prefetch-multiplier", "4"] if pool == "gevent" else ["--disable-prefetch"]
    )
    return [
        sys.executable, "-m", "celery", "-A", "school", "worker",
        "--hostname", f"{queue}@%h", "--queues", queue,
        "--pool", pool, "--concurrency", str(concurrency), *prefetch,
        "--without-gossip", "--without-mingle",
    ]  # fmt: skip

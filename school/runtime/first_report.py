"""First report of a new installation, requested over HTTP and printed."""

import json
import time
from typing import Any, Protocol

from school.runtime.client import Client, ServiceError

PREVIEW_ROWS = 2


class Output(Protocol):
    def write(self, text: str) -> object: ...


def show_first_report(client: Client, output: Output) -> None:
    """Log in, request a report, poll it until it ends, and print every step."""
    client.log_in("teacher", "demo")
    entry = client.request("GET", "/reports/class_performance")
    output.write(f"POST /reports {json.dumps(entry['example'])}")
    task = client.request_report(entry["example"])
    output.write(f"202: task {task['task_id']}")
    path = f"/tasks/{task['task_id']}"  # links may have a prefix, PUBLIC_URL
    while task["poll_after_ms"] is not None:
        time.sleep(task["poll_after_ms"] / 1000)
        task = client.request("GET", path)
        progress = task["progress"]
        output.write(
            f"GET {path}: {task['state']}, {progress['stage']}, "
            f"{progress['done']} of {progress['total'] or '?'} rows"
        )
    output.write(json.dumps(_shorten_result(task), indent=2, ensure_ascii=False))
    if task["state"] != "succeeded":
        raise ServiceError("The first report did not succeed.")


def _shorten_result(task: dict[str, Any]) -> dict[str, Any]:
    """Return the task document with only the first rows and the number of the others."""
    data = (task["result"] or {}).get("data")
    if not data:
        return task
    hidden_count = len(data) - PREVIEW_ROWS
    preview = [*data[:PREVIEW_ROWS], f"... and {hidden_count} more rows"]
    return {**task, "result": {**task["result"], "data": preview}}

"""The links of the OpenAPI document: which operations take what another has answered."""

from collections.abc import Sequence
from typing import Any

_WITH_TASK = (
    "get_task", "cancel_task", "get_result", "create_result_link", "delete_task",
)  # fmt: skip

_TAKEN: dict[str, tuple[str, str, Sequence[str]]] = {
    "create_report": ("task_id", "/task_id", _WITH_TASK),
    "get_task": ("task_id", "/task_id", _WITH_TASK),
    "cancel_task": ("task_id", "/task_id", _WITH_TASK),
    "list_tasks": ("task_id", "/results/0/task_id", _WITH_TASK),
    "list_reports": ("kind", "/results/0/report", ["get_report"]),
    "list_schools": ("school_id", "/results/0/school_id", ["list_classes"]),
}
"""For an operation: which parameter is where in its answer, and who takes it."""


def add_links(described: dict[str, Any]) -> None:
    if described["operationId"] not in _TAKEN:
        return
    parameter, place, followers = _TAKEN[described["operationId"]]
    for status in {"200", "202"} & described["responses"].keys():
        described["responses"][status]["links"] = {
            follower: {
                "operationId": follower,
                "parameters": {parameter: f"$response.body#{place}"},
            }
            for follower in followers
        }

"""Links of the OpenAPI document: operations that take a value from another one's response."""

from collections.abc import Sequence
from typing import Any

_TASK_OPERATIONS = (
    "get_task", "cancel_task", "rerun_task", "get_result", "create_result_link",
    "delete_task",
)  # fmt: skip

_LINKS: dict[str, tuple[str, str, Sequence[str]]] = {
    "create_report": ("task_id", "/task_id", _TASK_OPERATIONS),
    "get_task": ("task_id", "/task_id", _TASK_OPERATIONS),
    "cancel_task": ("task_id", "/task_id", _TASK_OPERATIONS),
    "rerun_task": ("task_id", "/task_id", _TASK_OPERATIONS),
    "list_tasks": ("task_id", "/results/0/task_id", _TASK_OPERATIONS),
    "list_reports": ("kind", "/results/0/report", ["get_report"]),
    "list_schools": (
        "school_id",
        "/results/0/school_id",
        ["list_classes", "get_school"],
    ),
    "list_classes": ("class_id", "/results/0/class_id", ["get_class"]),
    "search_students": ("student_id", "/results/0/student_id", ["get_student"]),
}
"""Parameter, its JSON pointer in the response and the operations that take it, by operation."""


def add_links(operation: dict[str, Any]) -> None:
    if operation["operationId"] not in _LINKS:
        return
    parameter, pointer, targets = _LINKS[operation["operationId"]]
    for status in {"200", "202"} & operation["responses"].keys():
        operation["responses"][status]["links"] = {
            target: {
                "operationId": target,
                "parameters": {parameter: f"$response.body#{pointer}"},
            }
            for target in targets
        }

"""What the service itself makes of a request, as rows."""

import io
import json
from typing import Any

from school.access import expand, visible_enrolments
from school.models import User
from tasks import artifacts
from tasks.reporting import parameters, registry
from tasks.reporting.report import Report
from tests.support.task_factories import run_task

FREE_TEXT_COLUMNS = {"explanation", "reasons", "saving", "result_text"}
"""Columns whose words other tests read."""


def run_report(
    viewer: User, kind: str, values: dict[str, Any], language: str = "pt-BR"
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """By the worker's own function: all rows, and how many records were left out why."""
    task = run_task(viewer, values, kind=kind, language=language)
    assert task.state == "succeeded", task.error
    rows = json.loads(artifacts.read_artifact(task.artifact))
    assert task.result["rows"] == len(rows)
    reasons = task.result["skipped"]["reasons"]
    return rows, {reason["code"]: reason["count"] for reason in reasons}


def build_report(viewer: User, kind: str, values: dict[str, Any]) -> Report[Any]:
    report_class = registry.get_report_class(kind)
    request = parameters.parse_parameters(report_class.parameters_model(), values)
    enrolments = parameters.filter_enrolments(visible_enrolments(viewer), request)
    return report_class(
        request, enrolments, expand(viewer, enrolments, report_class.reach)
    )


def build_rows(viewer: User, kind: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """The same without a task, for tests that ask very often."""
    file = io.BytesIO()
    report = build_report(viewer, kind, values)
    registry.format_classes()["json"]().write_table(report.build_table(), file)
    rows: list[dict[str, Any]] = json.loads(file.getvalue())
    return rows


def drop_free_text(kind: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`result` is a text in transcripts and a code on report cards."""
    text_columns = FREE_TEXT_COLUMNS | ({"result"} if kind == "transcript" else set())
    return [
        {name: cell for name, cell in row.items() if name not in text_columns}
        for row in rows
    ]

"""Rows that the service produces for a request."""

import io
import json
from typing import Any

from school.models import User
from tasks import artifacts
from tasks.reporting import registry
from tasks.reporting.report import Report
from tests.support.task_factories import run_task


def run_report(
    viewer: User, kind: str, values: dict[str, Any], language: str = "pt-BR"
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Run the worker's task function; return all rows and the skipped counts by reason."""
    task = run_task(viewer, values, kind=kind, language=language)
    assert task.state == "succeeded", task.error
    rows = json.loads(artifacts.read_artifact(task.artifact))
    assert task.result["rows"] == len(rows)
    reasons = task.result["skipped"]["reasons"]
    return rows, {reason["code"]: reason["count"] for reason in reasons}


def build_report(viewer: User, kind: str, values: dict[str, Any]) -> Report[Any]:
    report_class = registry.get_report_class(kind)
    return report_class.build(report_class.select(viewer, values))


def build_rows(viewer: User, kind: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Build the same rows without a task, for tests with many requests."""
    file = io.BytesIO()
    report = build_report(viewer, kind, values)
    registry.format_classes()["json"]().write_table(report.build_table(), file)
    rows: list[dict[str, Any]] = json.loads(file.getvalue())
    return rows

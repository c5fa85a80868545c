"""What the service itself makes of a request, as rows."""

import io
import json
from typing import Any

from school.access import expand, visible_enrolments
from school.models import User
from tasks import artifacts
from tasks.reporting import parameters, registry
from tasks.reporting.report import Report
from tests.support.task_factories import made

FREE_TEXT = {"explanation", "reasons", "saving", "result_text"}
"""Columns whose words other tests read."""


def made_rows(
    viewer: User, kind: str, given: dict[str, Any], language: str = "pt-BR"
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """By the worker's own function: all rows, and how many records were left out why."""
    task = made(viewer, given, kind=kind, language=language)
    assert task.state == "succeeded", task.error
    rows = json.loads(artifacts.read_artifact(task.artifact))
    assert task.result["rows"] == len(rows)
    reasons = task.result["skipped"]["reasons"]
    return rows, {reason["code"]: reason["count"] for reason in reasons}


def report_for(viewer: User, kind: str, given: dict[str, Any]) -> Report[Any]:
    model = registry.get_report_class(kind)
    wanted = parameters.parse_parameters(model.parameters_model(), given)
    asked = parameters.filter_enrolments(visible_enrolments(viewer), wanted)
    return model(wanted, asked, expand(viewer, asked, model.reach))


def plain_rows(viewer: User, kind: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    """The same without a task, for tests that ask very often."""
    file = io.BytesIO()
    report = report_for(viewer, kind, given)
    registry.format_classes()["json"]().write_table(report.build_table(), file)
    rows: list[dict[str, Any]] = json.loads(file.getvalue())
    return rows


def without_texts(kind: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`result` is a text in transcripts and a code on report cards."""
    texts = FREE_TEXT | ({"result"} if kind == "transcript" else set())
    return [
        {name: cell for name, cell in row.items() if name not in texts} for row in rows
    ]

"""Report building: reads with the requester's access and writes the artifact."""

from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone, translation

from school.access import can_still_see
from school.db.snapshot import snapshot
from school.models import User
from school.scope import Scope
from tasks import artifacts
from tasks.failures import AccessRevoked
from tasks.models import Task
from tasks.progress import Tracker
from tasks.rendering.cells import describe_column
from tasks.rendering.table import Letterhead
from tasks.reporting import registry
from tasks.reporting.letterhead import build_letterhead
from tasks.reporting.report import Report
from tasks.status import document
from tasks.worker.file_names import file_name


@dataclass(frozen=True)
class BuiltReport:
    artifact: str
    result: dict[str, Any]
    scope: Scope
    """Scope of the data in the report; it may differ from the scope at submission."""


def build_report(task: Task, tracker: Tracker) -> BuiltReport:
    """Build the artifact of a task; if this raises, no file remains.

    Raises `AccessRevoked` if the requester lost access since submission.
    """
    report_class = registry.get_report_class(task.kind)
    with snapshot(task.time_limit) as as_of, translation.override(task.language):
        viewer = load_viewer(task)
        selection = report_class.select(viewer, task.parameters)
        report = report_class.build(selection)
        letterhead = build_letterhead(task, report, viewer, as_of, selection.school_id)
        with timezone.override(letterhead.time_zone):
            artifact, result = _write_report(task, tracker, report, letterhead)
        result["data_as_of"] = document.format_rfc3339(as_of)
        return BuiltReport(artifact, result, selection.scope)


def _write_report(
    task: Task, tracker: Tracker, report: Report[Any], letterhead: Letterhead
) -> tuple[str, dict[str, Any]]:
    """Write the artifact; return its name and the result of the task."""
    format = registry.format_classes()[task.format]()
    tracker.start_stage("writing", report.total())
    table = report.build_table(letterhead).for_audience(format.audience)
    tracked_table = replace(
        table,
        rows=tracker.track(table.rows),
        raise_if_stopped=tracker.raise_if_stopped,
        advance=tracker.advance,
        build_footer=lambda: report.footer(tracker.progress.done),
    )
    if format.lacks_signs:
        tracked_table = report.unshown_texts.watch(tracked_table, format.can_show)
    with artifacts.write_artifact(task.pk, task.fence, format.extension) as artifact:
        format.write_table(tracked_table, artifact.file)
        tracker.raise_if_stopped()
    row_count = tracker.progress.done
    result = {
        "rows": row_count,
        "bytes": artifact.bytes,
        "sha256": artifact.sha256,
        "media_type": format.media_type,
        "filename": file_name(task, format.extension),
        "summary": report.summary_text(row_count),
        "skipped": report.skipped,
    }
    if format.audience == "programs":  # people read titles and labels in the file
        result["columns"] = [describe_column(column) for column in table.columns]
    return artifact.name, result


def load_viewer(task: Task) -> User:
    """Load the requester; raise `AccessRevoked` if they may no longer see the scope."""
    viewer = User.objects.get(pk=task.requester_id)
    if not can_still_see(viewer, Scope.from_json(task.scope)):
        raise AccessRevoked
    return viewer

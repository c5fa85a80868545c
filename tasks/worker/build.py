"""Report building: reads with the requester's access and writes the artifact."""

from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone, translation

from school.access import Scope, can_still_see
from school.db.snapshot import snapshot
from school.models import User
from tasks import artifacts
from tasks.failures import AccessRevoked
from tasks.models import Task
from tasks.progress import Tracker
from tasks.rendering import filenames
from tasks.reporting import letterhead, registry
from tasks.status import document


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
    format = registry.format_classes()[task.format]()
    with snapshot() as as_of, translation.override(task.language):
        viewer = load_viewer(task)
        selection = report_class.select(viewer, task.parameters)
        report = report_class.build(selection)
        tracker.start_stage("writing", report.total())
        table = report.build_table(
            letterhead.build_letterhead(task, report, viewer, as_of)
        )
        tracked_table = replace(
            table,
            rows=tracker.track(table.rows),
            raise_if_stopped=tracker.raise_if_stopped,
            advance=tracker.advance,
            build_footer=lambda: report.footer(tracker.progress.done),
        )
        with artifacts.write_artifact(
            task.pk, task.fence, format.extension
        ) as artifact:
            format.write_table(tracked_table, artifact.file)
            tracker.raise_if_stopped()
        row_count = tracker.progress.done
        result = {
            "rows": row_count,
            "bytes": artifact.bytes,
            "sha256": artifact.sha256,
            "media_type": format.media_type,
            "filename": _build_filename(task, table.title, format.extension),
            "summary": report.summary_text(row_count),
            "skipped": report.skipped,
            "data_as_of": document.format_rfc3339(as_of),
        }
        return BuiltReport(artifact.name, result, selection.scope)


def load_viewer(task: Task) -> User:
    """Load the requester; raise `AccessRevoked` if they may no longer see the scope."""
    viewer = User.objects.get(pk=task.requester_id)
    if not can_still_see(viewer, Scope.from_json(task.scope)):
        raise AccessRevoked
    return viewer


def _build_filename(task: Task, title: str, extension: str) -> str:
    """Return the download name: the title in the report's language and the date."""
    return f"{filenames.safe_filename(title)} {timezone.localdate(task.created_at):%Y-%m-%d}.{extension}"

"""Makes the report of a task: reads as its requester, writes the artifact."""

from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone, translation

from school.access import Scope, can_still_see, expand, scope_of, visible_enrolments
from school.db.snapshot import snapshot
from school.models import User
from tasks import artifacts
from tasks.errors import AccessRevoked
from tasks.models import Task
from tasks.progress import Tracker
from tasks.rendering import filenames
from tasks.reporting import letterhead, parameters, registry
from tasks.reporting.report import Report
from tasks.status import document


@dataclass(frozen=True)
class BuiltReport:
    artifact: str
    result: dict[str, Any]
    scope: Scope
    """What the report shows in truth; since it was asked for it may have changed."""


def build_report(task: Task, tracker: Tracker) -> BuiltReport:
    """Make the artifact, or raise why not; nothing of it stays then."""
    report_class = registry.get_report_class(task.kind)
    format = registry.format_classes()[task.format]()
    params = parameters.parse_parameters(
        report_class.parameters_model(), task.parameters
    )
    with snapshot() as as_of, translation.override(task.language):
        viewer = _load_viewer(task)
        enrolments = parameters.filter_enrolments(visible_enrolments(viewer), params)
        reachable = expand(viewer, enrolments, report_class.reach)
        report: Report[Any] = report_class(params, enrolments, reachable)
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
        return BuiltReport(artifact.name, result, scope_of(viewer, reachable))


def _load_viewer(task: Task) -> User:
    """The requester as they are now; refused if they may no longer see what they asked."""
    viewer = User.objects.get(pk=task.requester_id)
    if not can_still_see(viewer, Scope.from_json(task.scope)):
        raise AccessRevoked
    return viewer


def _build_filename(task: Task, title: str, extension: str) -> str:
    """What people see in their downloads: what it is, in the report's language, and the day."""
    return f"{filenames.safe_filename(title)} {timezone.localdate(task.created_at):%Y-%m-%d}.{extension}"

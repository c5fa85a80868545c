"""Makes the report of a task: reads as its requester, writes the artifact."""

from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone, translation

from school.access import Scope, reached, scope_of, still_sees, visible_enrolments
from school.db.snapshot import snapshot
from school.models import User
from tasks import artifacts
from tasks.errors import NoLongerAllowed
from tasks.models import Task
from tasks.progress import Tracker
from tasks.rendering import filenames
from tasks.reporting import letterhead, parameters, registry
from tasks.reporting.report import Report
from tasks.status import document


@dataclass(frozen=True)
class Product:
    artifact: str
    result: dict[str, Any]
    scope: Scope
    """What the report shows in truth; since it was asked for it may have changed."""


def produce(task: Task, tracker: Tracker) -> Product:
    """Make the artifact, or raise why not; nothing of it stays then."""
    kind = registry.report(task.kind)
    format = registry.formats()[task.format]()
    wanted = parameters.parse(kind.parameters_model(), task.parameters)
    with snapshot() as as_of, translation.override(task.language):
        viewer = _viewer(task)
        enrolments = parameters.narrow(visible_enrolments(viewer), wanted)
        seen = reached(viewer, enrolments, kind.reach)
        report: Report[Any] = kind(wanted, enrolments, seen)
        tracker.start("writing", report.total())
        table = report.table(letterhead.about(task, report, viewer, as_of))
        tracked = replace(
            table,
            rows=tracker.track(table.rows),
            check=tracker.check,
            advance=tracker.advance,
            close=lambda: report.closing(tracker.progress.done),
        )
        with artifacts.write(task.pk, task.fence, format.extension) as artifact:
            format.write(tracked, artifact.file)
            tracker.check()
        rows = tracker.progress.done
        result = {
            "rows": rows,
            "bytes": artifact.bytes,
            "sha256": artifact.sha256,
            "media_type": format.media_type,
            "filename": _filename(task, table.title, format.extension),
            "summary": report.conclusion(rows),
            "skipped": report.omitted,
            "data_as_of": document.rfc3339(as_of),
        }
        return Product(artifact.name, result, scope_of(viewer, seen))


def _viewer(task: Task) -> User:
    """The requester as they are now; refused if they may no longer see what they asked."""
    viewer = User.objects.get(pk=task.requester_id)
    if not still_sees(viewer, Scope.from_json(task.scope)):
        raise NoLongerAllowed
    return viewer


def _filename(task: Task, title: str, extension: str) -> str:
    """What people see in their downloads: what it is, in the report's language, and the day."""
    return f"{filenames.safe(title)} {timezone.localdate(task.created_at):%Y-%m-%d}.{extension}"

"""Report building as in a worker, without broker and without a task row."""

import sys
from pathlib import Path
from typing import Any

from bench.timing import Work


def prepare_report(
    kind: str, parameters: dict[str, Any], format: str, folder: str, warm: bool = False
) -> Work:
    """Prepare the report for a viewer who sees everything; the work returns its rows and bytes.

    The process has a worker's imports and memory limit. With `warm`, it builds the report once
    before, since a worker has built many.
    """
    # structlog imports rich if it is installed, which is so in development only.
    sys.modules["rich"] = None  # type: ignore[assignment]
    import django  # imported late: slow, and needed in the measured process only

    django.setup()
    from django.conf import settings
    from django.utils import timezone

    from school.access import scope_of, visible_enrolments
    from school.celery import app
    from school.models import User
    from tasks import artifacts
    from tasks.models import Task
    from tasks.progress import Tracker
    from tasks.reporting.registry import get_report_class
    from tasks.worker import memory_limit
    from tasks.worker.build import build_report

    app.loader.import_default_modules()
    settings.ARTIFACTS_DIR = Path(folder)
    viewer = User.objects.get(username="admin")
    task = Task(
        requester=viewer,
        kind=kind,
        parameters=parameters,
        format=format,
        language="pt-br",
        time_limit=get_report_class(kind).time_limit,
        scope=scope_of(viewer, visible_enrolments(viewer)).to_json(),
        created_at=timezone.now(),
        updated_at=timezone.now(),
    )

    def work() -> dict[str, Any]:
        with memory_limit.limit_memory(settings.REPORT_MEMORY_LIMIT_BYTES):
            built = build_report(task, Tracker(lambda _progress: None))
        artifacts.delete_artifact(built.artifact)
        return {name: built.result[name] for name in ("rows", "bytes")}

    if warm:
        work()
    return work

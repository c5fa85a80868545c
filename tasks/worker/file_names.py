"""Names of the files that people download."""

from django.utils import timezone

from tasks.models import Task
from tasks.rendering.filenames import safe_filename
from tasks.reporting.about import SEPARATOR


def file_name(task: Task, extension: str) -> str:
    """Return "Boletim – 1º ano A – 2026 – 2026-11-29.pdf"; the last part is the local date."""
    parts = [task.title, *task.about.split(SEPARATOR)]
    stem = safe_filename(" – ".join(filter(None, parts)))
    return f"{stem} – {timezone.localdate(task.created_at):%Y-%m-%d}.{extension}"

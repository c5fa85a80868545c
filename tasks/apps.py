"""The Django app of report tasks."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = "Report tasks"

    def ready(self) -> None:
        from school.signals import access_changed  # models must be loaded
        from tasks.status.access_version import invalidate

        access_changed.connect(invalidate)

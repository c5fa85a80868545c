"""Celery app whose prefork processes keep their database connections between tasks.

Celery's own link to Django closes all connections, and the pools of PostgreSQL, before and after each task. The
next one then began with two new connections, whose server processes had empty caches.
"""

from typing import Any

import celery
from celery.fixups.django import (  # type: ignore[attr-defined]
    DjangoFixup,
    DjangoWorkerFixup,
)
from celery.signals import worker_process_init

from school.db import connections


class WorkerFixup(DjangoWorkerFixup):  # type: ignore[misc]
    """Handlers of a worker's signals.

    In a pool of greenlets each task has connections of its own, which Celery goes on closing.
    """

    def on_task_prerun(self, sender: Any, **kwargs: Any) -> None:
        if not connections.are_kept():
            super().on_task_prerun(sender, **kwargs)

    def on_task_postrun(self, sender: Any, **kwargs: Any) -> None:
        if connections.are_kept():
            connections.finish_all()
            self.close_cache()
        else:
            super().on_task_postrun(sender, **kwargs)


class Fixup(DjangoFixup):
    """Entry of `Celery(fixups=...)`; it makes the handlers late, as they need the settings."""

    @property
    def worker_fixup(self) -> WorkerFixup:
        if self._worker_fixup is None:
            self._worker_fixup: WorkerFixup | None = WorkerFixup(self.app)
        return self._worker_fixup


def install(app: Any) -> Any:
    return Fixup(app).install()


class Celery(celery.Celery):
    """App that is linked to Django by this module."""

    builtin_fixups = {"school.celery_fixup:install"}  # noqa: RUF012


@worker_process_init.connect
def keep_connections(**_: Any) -> None:
    """Keep the connections of this process: only those of a prefork pool get the signal."""
    connections.keep()

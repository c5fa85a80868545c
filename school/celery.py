"""The Celery app `school`, configured from the Django settings."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "school.settings")
# The web process and the dispatcher check the settings. In a worker that would load the
# whole API: 14 MB for as long as it lives.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("school")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(
    DjangoStructLogInitStep
)  # a request's id in its task's log lines


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """Connected, so that Celery leaves the logging that the settings made alone."""

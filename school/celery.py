"""Celery app `school`, configured from the Django settings."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "school.settings")
# The web process and the dispatcher run the system checks. In a worker the checks would
# load the whole API and cost 14 MB for its lifetime.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("school")
app.config_from_object("school.celery_config")
# Adds the request id to the log lines of a task.
app.steps["worker"].add(DjangoStructLogInitStep)


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """Keep Django's logging: Celery configures its own unless this signal has a receiver."""

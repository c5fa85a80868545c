"""Celery app `school`, configured from the Django settings."""

import os
from typing import Any

from celery.signals import setup_logging, worker_init
from django.core.checks import Tags
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu.transport import TRANSPORT_ALIASES

from school.celery_fixup import Celery
from school.runtime import startup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "school.settings")
# The web process and the dispatcher run all system checks. In a worker they would load the
# whole API and cost 14 MB for its lifetime; it runs those of the environment alone.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

# `celery report` knows a transport by the scheme of the address alone; kombu has none for
# sockets, and its own for Sentinel does not read our addresses.
TRANSPORT_ALIASES["unix"] = "tasks.redis_store.transport:Transport"
TRANSPORT_ALIASES["sentinel"] = "tasks.redis_store.transport:Transport"
app = Celery("school")
app.config_from_object("school.celery_config")
# Adds the request id to the log lines of a task.
app.steps["worker"].add(DjangoStructLogInitStep)


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """Keep Django's logging: Celery configures its own unless this signal has a receiver."""


@worker_init.connect
def prepare_worker(**_: Any) -> None:
    startup.make_files_private()
    startup.refuse_unsafe_settings(secrets=["REDIS_SIGNING_KEY"], tags=[Tags.security])
    startup.refuse_unusable_database()

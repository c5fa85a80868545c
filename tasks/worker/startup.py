"""Start of a worker: loads the reports, and watches Redis.

The consumer alone logs that it cannot connect, but not that a command is refused later. What it and
its libraries write at each loss of a connection beside that is kept out of the log.
"""

import sys
import warnings
from typing import Any

from celery.exceptions import CPendingDeprecationWarning
from celery.signals import worker_before_create_process, worker_init, worker_ready
from django.conf import settings
from django.utils import translation

from school.runtime.redis_connections import LOST_ERRORS
from tasks.circuit_breaker import breaker
from tasks.reporting import registry


@worker_init.connect
def watch_redis(**_: Any) -> None:
    breaker.start_watch()


@worker_before_create_process.connect
def load_reports(**_: Any) -> None:
    """Load the reports, formats and texts before the pool's processes are forked.

    Otherwise each loads them at its first report, which then takes half a second longer, and
    has a copy of its own.
    """
    registry.report_classes()
    registry.format_classes()
    for language, _name in settings.LANGUAGES:
        # Django keeps the texts of each spelling; that of tasks is "pt-BR".
        with translation.override(translation.to_locale(language).replace("_", "-")):
            translation.gettext("")


@worker_ready.connect
def drop_connection_noise(**_: Any) -> None:
    """Drop Celery's advice about a setting that is off for a reason, and gevent's traceback.

    The advice comes with each lost connection. The traceback comes from the greenlet that
    receives broadcasts; the consumer starts a new one when it has connected.
    """
    # Only now: Celery sets a filter of its own while it starts.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    if gevent_hub := sys.modules.get("gevent.hub"):
        gevent_hub.get_hub().NOT_ERROR += LOST_ERRORS

"""Logging as one JSON object per line on stderr, with the request id.

No line has the content of a header, which may be a token or text made to mislead readers,
and none is so long that it fills the log.
"""

import json
import logging
import re
import sys
from typing import Any

import structlog
from psycopg_pool import PoolTimeout

from school.db.outage import DATABASE_ERRORS, outage
from school.runtime.redis_connections import LOST_ERRORS

CANARY_ID_PREFIX = "canary-"
"""Prefix of the ids of calls that only show that a worker takes messages."""
MAX_VALUE_CHARACTERS = 8192
"""More than the longest path, and enough for a traceback."""
LINE_SEPARATORS = re.compile("[\x7f-\x9f\u2028\u2029]")


class StripHeaders(logging.Filter):
    """Logging filter that replaces Django's texts about refused requests, which quote headers.

    `django.security.DisallowedHost` quotes `Host`; `django.security.csrf` quotes `Origin`
    and `Referer`.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            reason = record.name.rpartition(".")[2]
            record.msg, record.args = f"Request refused: {reason}", ()
            record.exc_info = None
        return True


class StripQueryStrings(logging.Filter):
    """Logging filter that removes query strings from the URLs in gunicorn's errors."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = re.sub(r"\?\S*", "?", record.getMessage()), ()
        return True


class DropRepeatedStatus(logging.Filter):
    """Logging filter that drops Django's line about a 503; the line of the request has it.

    While the database is away there is one such response for each request and each probe.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        is_status_line = record.name == "django.request"
        return not (is_status_line and getattr(record, "status_code", 0) == 503)


class DropCanaries(logging.Filter):
    """Logging filter that drops the lines about canaries, unless something is wrong.

    They would be most lines of a service at rest, and push all others out of its logs. No
    text of a request hides a line, because only lines of Celery are dropped.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        is_of_celery = record.name.startswith(("celery.", "django_structlog.celery."))
        return (
            record.levelno >= logging.WARNING
            or not is_of_celery
            or CANARY_ID_PREFIX not in f"{record.msg} {record.args}"
        )


def drop_outage_tracebacks(
    _logger: Any, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Drop the traceback of each error that an outage of Redis or the database causes.

    The outage itself is logged once, with its reason: that of the database before its first
    error gets here, that of Redis by the thread that watches it.
    """
    error = event.get("exc_info")
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    is_known = outage.is_open and isinstance(error, DATABASE_ERRORS)
    # A pool has no free connection some seconds before its attempts to connect have failed.
    is_from_pool = isinstance(getattr(error, "__cause__", None), PoolTimeout)
    if is_known or is_from_pool or isinstance(error, LOST_ERRORS):
        event["exc_info"] = None
        event["error"] = f"{type(error).__name__}: {error}"
    return event


def limit_values(
    _logger: Any, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Cut the middle out of values that are too long; a traceback ends with its error."""
    for name, value in event.items():
        if not isinstance(value, int | float | None):
            event[name] = _shorten(value)
    return event


def _shorten(value: object) -> object:
    text = value if isinstance(value, str) else repr(value)
    if len(text) <= MAX_VALUE_CHARACTERS:
        return value
    half = MAX_VALUE_CHARACTERS // 2
    cut = len(text) - 2 * half
    return f"{text[:half]} [{cut} characters left out] {text[-half:]}"


def _to_json_line(event: Any, **options: Any) -> str:
    """Return the event as JSON without the characters that some readers take for a new line."""
    text = json.dumps(event, ensure_ascii=False, **options)
    return LINE_SEPARATORS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def configure(*, level: str) -> dict[str, Any]:
    """Configure structlog and return the `LOGGING` dictionary of the standard library."""
    shared_processors: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        drop_outage_tracebacks,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared_processors,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": _json_formatter(shared_processors)},
        "filters": {
            "strip_headers": {"()": StripHeaders},
            "drop_canaries": {"()": DropCanaries},
            "drop_repeated_status": {"()": DropRepeatedStatus},
            "strip_query_strings": {"()": StripQueryStrings},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                # On the handler, since a logger's filters do not apply to its children.
                "filters": ["strip_headers", "drop_canaries", "drop_repeated_status"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # The structured log lines about tasks hold the same information.
            "celery.app.trace": {"level": "WARNING"},
            # The line of the request has its status; a traceback says nothing more.
            "django.security.BodyRefused": {"level": "CRITICAL"},
            # Each attempt to connect; the outage is logged once.
            "psycopg.pool": {"level": "ERROR"},
            "gunicorn.error": {"filters": ["strip_query_strings"], "propagate": True},
        },
    }


def _json_formatter(
    shared_processors: list[structlog.types.Processor],
) -> dict[str, Any]:
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            limit_values,
            structlog.processors.JSONRenderer(serializer=_to_json_line),
        ],
        "foreign_pre_chain": shared_processors,
    }

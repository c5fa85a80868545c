"""Logging as one JSON object per line on stderr, with the request id."""

import logging
import re
from typing import Any

import structlog


class StripQueryStrings(logging.Filter):
    """Logging filter that removes query strings from the URLs in gunicorn's errors."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = re.sub(r"\?\S*", "?", record.getMessage()), ()
        return True


def configure(*, level: str) -> dict[str, Any]:
    """Configure structlog and return the `LOGGING` dictionary of the standard library."""
    shared_processors: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
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
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processor": structlog.processors.JSONRenderer(ensure_ascii=False),
                "foreign_pre_chain": shared_processors,
            }
        },
        "filters": {"strip_query_strings": {"()": StripQueryStrings}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # The structured log lines about tasks hold the same information.
            "celery.app.trace": {"level": "WARNING"},
            # The line of the request has its status; a traceback says nothing more.
            "django.security.BodyRefused": {"level": "CRITICAL"},
            "gunicorn.error": {"filters": ["strip_query_strings"], "propagate": True},
        },
    }

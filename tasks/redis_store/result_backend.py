"""Celery's result backend over Redis, for `AsyncResult` and `celery result`.

Its connections are those of `connection_options`, as the service's own client's are.
"""

from typing import Any

from celery.backends.redis import RedisBackend
from django.conf import settings

from school.runtime.redis_connections import connection_options

TIMEOUT_SECONDS = 5.0


class ResultBackend(RedisBackend):
    """Result backend at `REDIS_URL`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connparams = {
            "max_connections": self.max_connections,
            **connection_options(
                settings.REDIS_URL,
                timeout=TIMEOUT_SECONDS,
                connect_timeout=TIMEOUT_SECONDS,
            ),
        }

    def as_uri(self, include_password: bool = False) -> str:
        return str(settings.CELERY_BROKER_URL)

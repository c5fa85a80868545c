"""Start of a worker: watches Redis, whose faults its consumer alone would not name.

The consumer logs that it cannot connect, but not that a command is refused later.
"""

from typing import Any

from celery.signals import worker_init

from tasks.circuit_breaker import breaker


@worker_init.connect
def watch_redis(**_: Any) -> None:
    breaker.start_watch()

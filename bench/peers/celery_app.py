"""Celery application of the peers: a report that does nothing."""

from typing import Any

from celery import Celery

from bench.peers import web_config

app = Celery("peers", broker=web_config.REDIS_URL, backend=web_config.REDIS_URL)
app.conf.update(
    task_default_queue="peers",
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=1,
)


@app.task(ignore_result=True)
def make_report(task_id: str, request: dict[str, Any]) -> None:
    """Stand for a report; no worker takes its messages while submits are measured."""


@app.task
def do_nothing() -> int:
    return 0

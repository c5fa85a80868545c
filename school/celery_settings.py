"""Django settings of Celery that do not depend on the environment (namespace CELERY).

The reasons and the measurements are in docs/decisions.
"""

from datetime import timedelta

from kombu import Exchange, Queue

# Listed because Celery looks for `tasks.tasks`, which does not exist.
CELERY_IMPORTS = (
    "tasks.worker.tasks",
    "tasks.maintenance.tasks",
    "tasks.worker.revocation",
    "tasks.worker.startup",
    "tasks.worker.cpu_watchdog",
    "tasks.worker.activity",
)
CELERY_TASK_QUEUES = tuple(
    Queue(name, Exchange(name), routing_key=name)
    for name in ("default", "reports", "reports.bulk")
)
# Celery's own default queue, `celery`, has no worker here.
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_DEFAULT_EXCHANGE = "default"
CELERY_TASK_DEFAULT_ROUTING_KEY = "default"
CELERY_TASK_CREATE_MISSING_QUEUES = False  # a misspelt queue name must raise an error
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_ENABLE_UTC = True
# The row holds the state; the service writes the result document itself.
CELERY_TASK_IGNORE_RESULT = True
# Late acks would run a report twice after a dropped connection.
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # lease recovery requeues it instead
CELERY_TASK_TRACK_STARTED = False  # the row holds it
CELERY_WORKER_SEND_TASK_EVENTS = False  # costs throughput and adds no information
CELERY_TASK_SEND_SENT_EVENT = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # no message waits behind a long report
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200  # limits memory leaks
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000  # kilobytes, checked between reports
# True would lose running reports.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # retry for ever
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # A short timeout is safe: with early acks no message stays unacknowledged for long.
    "visibility_timeout": 60,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "health_check_interval": 10,
    "socket_keepalive": True,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}
CELERY_RESULT_EXPIRES = timedelta(days=1)

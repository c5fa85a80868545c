"""Redis access: all keys of the project, and the only clients that use them.

Nothing in Redis is believed: what decides what a client sees is signed (`signing`), and what
does not verify or has another type counts as missing.

Keys, in addition to Celery's queues:
`celery-task-meta-<task id>`    the task document, in the envelope of Celery's backend
`task-events`                   stream of changed task documents and of users with changed rights
`access-version:<user id>`      the user's access version, for a minute
`access-version-max:<user id>`  the highest version published, for the life of a token
`queue-positions:<user id>`     position samples of the user's tasks, for seconds
`mirror-epoch`                  increases while the documents are known to be complete
`liveness:<component>`          set while a component is alive
`workers`, `worker-activity`    hashes of registered workers and of what they last did
`cpu-active:<task id>`          set while the task's process uses CPU time
`rate:<name>/<identifier>/...`  number of attempts in a rate limit's window
"""

from tasks.redis_store.access_versions import (
    get_max_access_version,
    set_access_version,
)
from tasks.redis_store.client import client
from tasks.redis_store.documents import (
    MISS,
    CachedTask,
    DocumentMeta,
    Envelope,
    drop_document,
    get_cached_task,
    get_cached_tasks,
    put_document,
)
from tasks.redis_store.epoch import advance_epoch, epoch_guard, get_server_epoch
from tasks.redis_store.events import (
    EVENT_STREAM_MAXLEN,
    TaskEvent,
    announce_access_change,
    announce_removal,
    last_event_id,
    read_events,
)
from tasks.redis_store.liveness import (
    clear_cpu_active,
    get_alive,
    get_cpu_active,
    set_alive,
    set_cpu_active,
)
from tasks.redis_store.mistyped_keys import delete_mistyped_keys
from tasks.redis_store.queues import (
    message_ids,
    queue_length,
    queue_lengths,
    set_queue_positions,
)
from tasks.redis_store.rate_limits import Rate
from tasks.redis_store.signing import digest_document
from tasks.redis_store.workers import (
    RegisteredWorker,
    Registration,
    forget_worker,
    get_workers,
    record_activity,
    register_worker,
)

__all__ = [
    "EVENT_STREAM_MAXLEN",
    "TaskEvent",
    "Envelope",
    "DocumentMeta",
    "MISS",
    "CachedTask",
    "Rate",
    "announce_access_change",
    "announce_removal",
    "get_alive",
    "read_events",
    "get_max_access_version",
    "client",
    "drop_document",
    "clear_cpu_active",
    "epoch_guard",
    "set_alive",
    "message_ids",
    "last_event_id",
    "get_cached_task",
    "get_cached_tasks",
    "put_document",
    "set_queue_positions",
    "set_access_version",
    "queue_length",
    "advance_epoch",
    "get_server_epoch",
    "set_cpu_active",
    "get_cpu_active",
    "delete_mistyped_keys",
    "digest_document",
    "RegisteredWorker",
    "Registration",
    "forget_worker",
    "get_workers",
    "record_activity",
    "register_worker",
    "queue_lengths",
]

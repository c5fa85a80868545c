"""Redis: every key of ours, and the only client that reads and writes them.

The keys, beside those of Celery's queues:
`celery-task-meta-<task id>`  the task's document, in the envelope of Celery's backend
`changes`                     a stream of the tasks whose documents have changed lately
`stamp:<user id>`             the user's stamp, for a minute
`known:<user id>`             the newest that was told, for the life of a token
`places:<user id>`            where in the queues the user's tasks stand, for seconds
`tide`                        rises while the documents are known to be whole
`alive:<who>`                 set by who is alive, until shortly after
`computing:<task id>`         set while the task's process is seen to compute
`rate:<what>/<whose>/...`     when it was done, for as long as that counts
"""

from tasks.redis_store.client import client
from tasks.redis_store.documents import (
    NOTHING,
    Envelope,
    Header,
    Poll,
    drop_document,
    poll,
    put_document,
)
from tasks.redis_store.epoch import highest_tide, raise_tide, tide
from tasks.redis_store.events import CHANGES_KEPT, Change, changes_after, newest_change
from tasks.redis_store.liveness import (
    alive,
    drop_vouch,
    known_stamp,
    mark_alive,
    put_stamp,
    vouch,
    vouched,
)
from tasks.redis_store.queues import message_ids, put_places, queue_length
from tasks.redis_store.rate_limits import Rate

__all__ = [
    "CHANGES_KEPT",
    "Change",
    "Envelope",
    "Header",
    "NOTHING",
    "Poll",
    "Rate",
    "alive",
    "changes_after",
    "known_stamp",
    "client",
    "drop_document",
    "drop_vouch",
    "highest_tide",
    "mark_alive",
    "message_ids",
    "newest_change",
    "poll",
    "put_document",
    "put_places",
    "put_stamp",
    "queue_length",
    "raise_tide",
    "tide",
    "vouch",
    "vouched",
]

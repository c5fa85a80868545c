"""Shutdown deadline of the worker, shared with the processes of its pool."""

import math
import mmap
import struct
import time
from typing import Any

from celery.signals import worker_shutting_down
from django.conf import settings

_DEADLINE = struct.Struct("d")
# Anonymous shared memory, inherited by the pool's processes when they are forked.
_shared_deadline = mmap.mmap(-1, _DEADLINE.size)


def seconds_left() -> float:
    """Return the seconds a report may still run here; infinite unless shutting down."""
    (deadline,) = _DEADLINE.unpack(_shared_deadline[:])
    return deadline - time.monotonic() if deadline else math.inf


@worker_shutting_down.connect
def on_shutdown(**_: Any) -> None:
    _shared_deadline[:] = _DEADLINE.pack(
        time.monotonic() + settings.SHUTDOWN_GRACE_SECONDS
    )

"""Whether this worker was told to stop, as the processes of its pool see it."""

import math
import mmap
import struct
import time
from typing import Any

from celery.signals import worker_shutting_down
from django.conf import settings

_DEADLINE = struct.Struct("d")
# Anonymous shared memory, which the pool's processes inherit when they are forked.
_shared_deadline = mmap.mmap(-1, _DEADLINE.size)


def seconds_left() -> float:
    """How long a report may still run here; infinite while nobody says stop."""
    (deadline,) = _DEADLINE.unpack(_shared_deadline[:])
    return deadline - time.monotonic() if deadline else math.inf


@worker_shutting_down.connect
def on_shutdown(**_: Any) -> None:
    _shared_deadline[:] = _DEADLINE.pack(
        time.monotonic() + settings.SHUTDOWN_GRACE_SECONDS
    )

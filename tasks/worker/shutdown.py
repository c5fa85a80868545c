"""Whether this worker was told to stop, as the processes of its pool see it."""

import math
import mmap
import struct
import time
from typing import Any

from celery.signals import worker_shutting_down
from django.conf import settings

_BY = struct.Struct("d")
# Anonymous shared memory, which the pool's processes inherit when they are forked.
_shared = mmap.mmap(-1, _BY.size)


def seconds_left() -> float:
    """How long a report may still run here; infinite while nobody says stop."""
    (by,) = _BY.unpack(_shared[:])
    return by - time.monotonic() if by else math.inf


@worker_shutting_down.connect
def tell_to_stop(**_: Any) -> None:
    _shared[:] = _BY.pack(time.monotonic() + settings.HAND_OVER_SECONDS)

"""Sequential calls of a Celery task that does nothing, with `delay().get()`."""

import sys
import time

from bench.peers.celery_app import do_nothing
from bench.timing import Work


def prepare(count: int) -> Work:
    """Prepare the calls, the first of which opens the connections."""
    do_nothing.delay().get(timeout=30)

    def work() -> list[float]:
        return [_call() for _number in range(count)]

    return work


def _call() -> float:
    started_at = time.perf_counter()
    do_nothing.delay().get(timeout=30)
    return time.perf_counter() - started_at


if __name__ == "__main__":
    sys.exit("run bench.web_latency instead")

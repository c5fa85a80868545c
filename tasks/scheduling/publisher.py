"""Publisher: fills the report queues in fair order and publishes the queue positions."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tasks import redis_store
from tasks.scheduling import outbox, positions
from tasks.scheduling.fair_order import QueuedTask
from tasks.scheduling.throughput import Throughput


class Publisher:
    """Backlog and throughput of each report queue, as of the last `publish`."""

    def __init__(self, queues: Sequence[str]) -> None:
        self._throughputs = {queue: Throughput(queue) for queue in queues}
        self._readers = {queue: outbox.QueueReader(queue) for queue in queues}
        self._backlogs: dict[str, list[QueuedTask]] = {}

    def publish(self) -> None:
        """Read the backlogs, publish from them, and republish what Redis has lost."""
        for queue, throughput in self._throughputs.items():
            throughput.refresh()
            self._backlogs[queue] = self._readers[queue].read_order()
        self.publish_backlogs()
        for queue in self._throughputs:
            outbox.republish_lost(queue)

    def publish_backlogs(self) -> None:
        """Publish from the backlogs as they were last read."""
        for queue, backlog in self._backlogs.items():
            if backlog:
                target = self._throughputs[queue].prefetch_target(backlog)
                outbox.publish_next(queue, backlog, target)

    def publish_positions(self) -> None:
        """Write each viewer's queue positions to Redis."""
        by_viewer: dict[int, dict[str, Any]] = defaultdict(dict)
        for queue, throughput in self._throughputs.items():
            order = outbox.published_order(queue) + self._backlogs.get(queue, [])
            estimates = throughput.start_estimates(order)
            for viewer_id, samples in positions.sample_positions(
                order, estimates
            ).items():
                by_viewer[viewer_id][queue] = samples
        redis_store.set_queue_positions(by_viewer)

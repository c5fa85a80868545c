"""Dispatcher: runs the maintenance jobs once a second.

Several dispatchers may run: each job is a guarded transition or harmless if repeated.
"""

import structlog
from django.conf import settings

from tasks import redis_store
from tasks.maintenance import lease_recovery, periodic
from tasks.maintenance.jobs import Job, Schedule, run_isolated
from tasks.maintenance.resync import Resync
from tasks.maintenance.worker_watch import WorkerWatch
from tasks.scheduling.publisher import Publisher

log = structlog.get_logger(__name__)

ALIVE_TTL = 10


class Dispatcher:
    """List of jobs, and the state that some of them share between ticks."""

    def __init__(self) -> None:
        self.resync = Resync()
        self._publisher = Publisher(periodic.REPORT_QUEUES)
        self._worker_watch = WorkerWatch(
            settings.WORKER_STATUS_FILE, periodic.ALL_QUEUES
        )
        self._schedule = Schedule()
        self._jobs = [
            Job("set_alive", _set_alive),
            Job("repair_queues", periodic.repair_queues),
            Job("watch_workers", self._worker_watch.look),
            Job("detect_redis_reset", self.resync.detect_redis_reset),
            Job("recover_tasks", self._recover_tasks),
            Job("publish", self._publisher.publish),
            Job("resync_documents", self.resync.resync_documents),
            Job("advance_epoch", self.resync.advance_epoch),
            Job("publish_positions", self._publisher.publish_positions),
            Job(
                "send_canaries",
                periodic.send_canaries,
                every=periodic.CANARY_SECONDS,
            ),
            Job("send_sweep", periodic.send_sweep, every=periodic.SWEEP_SECONDS),
            Job(
                "send_commands",
                periodic.send_commands,
                every=periodic.COMMANDS_SECONDS,
            ),
        ]

    def tick(self) -> None:
        """Run every job that is due; a job of each tick that fails is retried at the next."""
        for job in self._jobs:
            if self._schedule.is_due(job):
                run_isolated(job.run, name=job.name)

    def publish_more(self) -> None:
        """Publish from the backlogs of the last tick, between two ticks."""
        run_isolated(self._publisher.publish_backlogs, name="publish_backlogs")

    def _recover_tasks(self) -> None:
        is_complete = self.resync.has_all_cpu_activity
        if count := lease_recovery.recover_tasks(is_cpu_activity_complete=is_complete):
            log.warning("tasks_recovered", count=count)


def _set_alive() -> None:
    redis_store.set_alive("dispatcher", seconds=ALIVE_TTL)

"""The lifecycle as a model: the real module through every order of events that chance finds."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from school.access import Scope
from school.models import User
from tasks import fairness, lifecycle, mirror, reading, recovery, store
from tasks.breaker import RedisAway, breaker
from tasks.dispatcher import Dispatcher
from tasks.errors import DataError, TooLate
from tasks.models import Task
from tasks.progress import Progress
from tests.making import asked

EXAMPLES = 25
QUEUE = "reports"
LONG_AGO = "2020-01-01T00:00:00Z"
FINAL = {"succeeded", "failed", "canceled", "expired"}
# Written down anew, so that the code's own table is tested by it.
LEGAL = {
    ("queued", "running"), ("queued", "canceled"),
    ("running", "succeeded"), ("running", "failed"), ("running", "canceled"), ("running", "queued"),
    ("succeeded", "expired"),
}  # fmt: skip


class Lifecycle(RuleBasedStateMachine):
    """Requests, workers that may sleep or die at any point, and a Redis that may lose all."""

    asked = Bundle("asked")
    workers = Bundle("workers")
    sleepers = Bundle("sleepers")
    copies = Bundle("copies")

    @initialize()
    def begin(self) -> None:
        self.undo = transaction.atomic()
        self.undo.__enter__()
        store.client().flushdb()
        breaker.__init__()
        store._highest_tide.__init__()
        self.viewer = User.objects.get(username="teacher")
        self.dispatcher = Dispatcher()
        self.rows: dict = {}
        self.shown: dict = {}
        self.cancels_answered: set = set()
        self.results: dict = {}

    def teardown(self) -> None:
        if not hasattr(self, "undo"):
            return
        try:
            self.everything_ends()
        finally:
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)
            breaker.__init__()

    # --- Requests -------------------------------------------------------------------

    @rule(target=asked)
    def submit(self):
        return asked(self.viewer).pk

    @rule(task_id=asked)
    def cancel(self, task_id):
        try:
            lifecycle.cancel(Task.objects.get(pk=task_id))
        except TooLate:
            return
        self.cancels_answered.add(task_id)

    @rule(task_id=asked)
    def poll(self, task_id):
        stamp = self.viewer.stamp
        state = reading.read(task_id, viewer_id=self.viewer.pk, stamp=stamp).state
        before = self.shown.get(task_id)
        assert before not in FINAL or state in {before, "expired"}, (before, state)
        self.shown[task_id] = state

    # --- The road -------------------------------------------------------------------

    @rule()
    def publish(self):
        with suppress(RedisAway):
            fairness.publish_next(QUEUE)

    @rule()
    def messages_grow_old(self):
        Task.objects.filter(published_at__isnull=False).update(published_at=LONG_AGO)

    @rule()
    def lose_messages(self):
        store.client().delete(QUEUE)

    @rule()
    def wipe_redis(self):
        store.client().flushdb()

    @rule(target=copies)
    def copy_redis_s_file(self):
        redis = store.client()
        copy = {key: redis.dump(key) for key in redis.scan_iter()}
        self.dispatcher.tick()
        return copy

    @rule(copy=copies)
    def redis_restarts_with_an_older_file(self, copy):
        redis = store.client()
        redis.flushdb()
        for key, value in copy.items():
            redis.restore(key, 60_000, value)
        self.dispatcher._redis = "of the run before"

    @rule()
    def redis_goes_away(self):
        breaker._open_until = float("inf")

    @rule()
    def redis_comes_back(self):
        breaker.__init__()

    @rule()
    def dispatch(self):
        self.dispatcher.tick()

    @rule()
    def dispatcher_starts_anew(self):
        self.dispatcher = Dispatcher()

    # --- Workers --------------------------------------------------------------------

    @rule(target=workers, task_id=asked)
    def take(self, task_id):
        """As on its message, or on a doubled one."""
        return lifecycle.claim(task_id)

    @rule(worker=workers, done=st.integers(0, 9))
    def beat(self, worker, done):
        if worker is not None:
            lifecycle.renew(worker, Progress("writing", done, 9))

    @rule(worker=workers, done=st.integers(0, 9))
    def tell_progress(self, worker, done):
        if worker is None:
            return
        with suppress(RedisAway):
            mirror.put_progress(worker, Progress("writing", done, 9), moment=done)

    @rule(worker=workers)
    def succeed(self, worker):
        if worker is None:
            return
        if self._succeed(worker):
            assert worker.pk not in self.results, "succeeded twice"
            self.results[worker.pk] = worker.fence
        else:
            lifecycle.end_canceled(worker)

    @rule(worker=workers)
    def fail(self, worker):
        if worker is not None:
            lifecycle.fail(worker, DataError("Enrolment 7 has no class."))

    @rule(worker=workers)
    def hear_of_cancel(self, worker):
        if worker is not None:
            lifecycle.end_canceled(worker)

    @rule(worker=workers)
    def hand_over(self, worker):
        if worker is not None:
            lifecycle.hand_over(worker)

    @rule(task_id=asked)
    def fall_silent(self, task_id):
        Task.objects.filter(pk=task_id, state="running").update(lease_until=LONG_AGO)

    @rule(task_id=asked)
    def run_past_its_time(self, task_id):
        running = Task.objects.filter(pk=task_id, state="running")
        running.update(lease_until=LONG_AGO, deadline=LONG_AGO)

    @rule(task_id=asked)
    def compute_silently(self, task_id):
        with suppress(RedisAway):
            store.vouch([str(task_id)], seconds=60)

    @rule()
    def recover(self):
        recovery.recover()

    @rule(target=sleepers, task_id=asked)
    def sleep_before_mirroring(self, task_id):
        return Task.objects.get(pk=task_id)

    @rule(row=consumes(sleepers))
    def wake_and_mirror(self, row):
        mirror.write(row)

    # --- Ends -----------------------------------------------------------------------

    @rule(task_id=asked)
    def expire(self, task_id):
        lifecycle.expire(Task.objects.get(pk=task_id))

    # --- What holds after each step -------------------------------------------------

    @invariant()
    def every_move_is_legal(self):
        for row in self._all():
            before = self.rows.get(row.pk, row)
            assert row.version >= before.version
            assert row.fence >= before.fence
            assert 0 <= row.attempt <= lifecycle.MAX_ATTEMPTS
            if row.state != before.state:
                assert (before.state, row.state) in LEGAL
                assert row.version > before.version
            self.rows[row.pk] = row

    @invariant()
    def answered_cancel_never_succeeds(self):
        for row in self._all():
            if row.pk in self.cancels_answered:
                assert row.state not in {"succeeded", "expired"}

    @invariant()
    def result_is_of_the_attempt_that_held_the_task(self):
        for row in self._all():
            if row.state == "succeeded":
                assert row.artifact == f"fence {self.results[row.pk]}"
                assert row.fence == self.results[row.pk]

    @invariant()
    def document_that_is_shown_is_true_or_about_to_be_mended(self):
        for row in self._all():
            header = self._shown_header(row)
            if header is None:
                continue
            assert header.version <= row.version
            if header.version == row.version:
                assert header.state == row.state != "expired"
            else:
                assert row.mirrored_version < row.version

    def everything_ends(self) -> None:
        """Once nothing is broken any more, a living worker brings all to their ends."""
        breaker.__init__()
        for _ in range(3 * lifecycle.MAX_ATTEMPTS):
            self.fall_silent_all()
            store.client().delete(
                *[f"computing:{row.pk}" for row in self._all()] or ["x"]
            )
            self.messages_grow_old()
            self.dispatcher.tick()
            for task_id in sorted(store.message_ids(QUEUE)):
                self._make(task_id)
            store.client().delete(QUEUE)
            self.answered_cancel_never_succeeds()
            for row in self._all():
                before = self.rows[row.pk].state
                assert before not in FINAL or row.state == before
            if all(row.state in FINAL for row in self._all()):
                break
        self.dispatcher.tick()
        for row in self._all():
            assert row.state in FINAL, f"{row} is stuck: {row.state}, {row.attempt}"
            header = self._shown_header(row)
            assert row.mirrored_version == row.version
            if row.state == "expired":
                assert header is None
            else:
                assert (header.state, header.version) == (row.state, row.version)

    def fall_silent_all(self) -> None:
        Task.objects.filter(state="running").update(lease_until=LONG_AGO)

    def _make(self, task_id: str) -> None:
        if not Task.objects.filter(pk=task_id).exists():
            return  # a canary
        worker = lifecycle.claim(task_id)
        if worker is not None and self._succeed(worker):
            assert worker.pk not in self.results, "succeeded twice"
            self.results[worker.pk] = worker.fence

    def _succeed(self, worker: Task) -> bool:
        result = {"rows": 1, "bytes": 2, "sha256": "", "media_type": "", "filename": ""}
        return lifecycle.succeed(
            worker,
            artifact=f"fence {worker.fence}",
            result=result,
            scope=Scope("teacher", (1, 2)),
        )

    def _all(self) -> Iterator[Task]:
        return (
            Task.objects.order_by("id").iterator()
            if hasattr(self, "undo")
            else iter(())
        )

    def _shown_header(self, row: Task):
        with suppress(RedisAway):
            return store.poll(row.pk, self.viewer.pk).header
        return None


@pytest.mark.django_db
def test_every_order_of_events_keeps_the_promises(network):
    run_state_machine_as_test(
        Lifecycle,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

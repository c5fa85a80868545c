"""The lifecycle as a model: the real module through every order of events that chance finds."""

from contextlib import suppress
from inspect import signature

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from school.access import Scope
from school.models import User
from tasks import lifecycle, redis_store
from tasks.circuit_breaker import RedisUnavailable, breaker
from tasks.errors import DataError, TaskFinished
from tasks.maintenance import lease_recovery
from tasks.maintenance.dispatcher import Dispatcher
from tasks.models import Task
from tasks.progress import Progress
from tasks.status import projection, reader
from tests.support.task_factories import asked

EXAMPLES = [
    12,
    pytest.param(50, marks=pytest.mark.deep("fifty orders of sixty events")),
]
"""How many orders of events; the many begin with the few."""
STEPS = 60
TASKS = 2
"""Few, so that much happens to each."""
QUEUE = "reports"
LONG_AGO = "2020-01-01T00:00:00Z"
FINAL = {"succeeded", "failed", "canceled", "expired"}
# Written down anew, so that the code's own table is tested by it.
LEGAL = {
    ("queued", "running"), ("queued", "canceled"),
    ("running", "succeeded"), ("running", "failed"), ("running", "canceled"), ("running", "queued"),
    ("succeeded", "expired"),
}  # fmt: skip


WHICH = st.integers(0, TASKS - 1)
WHO = st.integers(0, 9)
DONE = st.integers(0, 9)
EVENTS = (
    "take", "take", "beat", "finish", "finish", "end_otherwise", "hand_over", "fall_silent",
    "fall_silent", "compute_silently", "cancel", "poll", "expire", "dispatch",
    "messages_grow_old", "lose_messages", "wipe_redis", "cut_redis_off", "let_redis_back",
    "start_another_dispatcher", "copy_redis_s_file", "redis_restarts_with_the_copy",
    "sleep_before_mirroring", "wake_and_mirror",
)  # fmt: skip
ONE_IN_FOUR = st.sampled_from([False, False, False, True])


class Lifecycle(RuleBasedStateMachine):
    """Workers that may sleep or die at any point, and a Redis that may lose all.

    What a rule speaks of is chosen by number, and nothing happens where there is none, so
    that what chance does next never depends on what the database says.
    """

    @initialize()
    def begin(self) -> None:
        self.undo = transaction.atomic()
        self.undo.__enter__()
        redis_store.client().flushdb()
        breaker.reset()
        redis_store.epoch_guard.reset()
        self.viewer = User.objects.get(username="teacher")
        self.dispatcher = Dispatcher()
        self.tasks = [asked(self.viewer).pk for _ in range(TASKS)]
        self.workers: list[Task] = []
        self.sleeper: Task | None = None
        self.copy: dict = {}
        self.rows: dict = {}
        self.shown: dict = {}
        self.cancels_answered: set = set()
        self.results: dict = {}

    def teardown(self) -> None:
        try:
            self.everything_ends()
        finally:
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)
            breaker.reset()

    @rule(
        what=st.sampled_from(EVENTS),
        which=WHICH,
        who=WHO,
        done=DONE,
        rarely=ONE_IN_FOUR,
    )
    def let(self, what, **chosen):
        """One rule, so that chance chooses among all events each time, and not among a few."""
        event = getattr(self, what)
        event(**{name: chosen[name] for name in signature(event).parameters})

    # --- Requests -------------------------------------------------------------------

    def cancel(self, which, rarely):
        task = Task.objects.get(pk=self.tasks[which])
        if task.state == "queued" and not rarely:
            return
        with suppress(TaskFinished):
            lifecycle.cancel(task)
            self.cancels_answered.add(task.pk)

    def poll(self, which):
        task_id = self.tasks[which]
        stamp = self.viewer.access_version
        state = reader.read_snapshot(
            task_id, viewer_id=self.viewer.pk, token_version=stamp
        ).state
        before = self.shown.get(task_id)
        assert before not in FINAL or state in {before, "expired"}, (before, state)
        self.shown[task_id] = state

    def expire(self, which):
        task = Task.objects.get(pk=self.tasks[which])
        if task.state == "succeeded":
            lifecycle.expire(task)

    # --- The road -------------------------------------------------------------------

    def lose_messages(self):
        redis_store.client().delete(QUEUE)

    def wipe_redis(self):
        redis_store.client().flushdb()

    def cut_redis_off(self):
        breaker._open_until = float("inf")

    def let_redis_back(self):
        breaker.reset()

    def start_another_dispatcher(self):
        self.dispatcher = Dispatcher()

    def dispatch(self):
        self.dispatcher.tick()

    def copy_redis_s_file(self):
        redis = redis_store.client()
        self.copy = {key: redis.dump(key) for key in redis.scan_iter()}
        self.dispatcher.tick()

    def redis_restarts_with_the_copy(self):
        redis = redis_store.client()
        redis.flushdb()
        for key, value in self.copy.items():
            redis.restore(key, 60_000, value)
        self.dispatcher._redis_run_id = "of the run before"

    def messages_grow_old(self):
        Task.objects.filter(published_at__isnull=False).update(published_at=LONG_AGO)

    # --- Workers --------------------------------------------------------------------

    def take(self, which):
        """As on its message, or on a doubled one; where all is over, of a new task."""
        if Task.objects.get(pk=self.tasks[which]).is_final:
            self.tasks[which] = asked(self.viewer).pk
        was = Task.objects.get(pk=self.tasks[which]).state
        worker = lifecycle.claim(self.tasks[which])
        assert (worker is not None) == (was == "queued")
        if worker is not None:
            self.workers.insert(0, worker)

    def worker(self, who: int) -> Task | None:
        """Any that ever held a task; the last one more often."""
        if not self.workers:
            return None
        return self.workers[who if who < len(self.workers) else 0]

    def beat(self, who, done):
        if worker := self.worker(who):
            lifecycle.renew(worker, Progress("writing", done, 9))
            with suppress(RedisUnavailable):
                projection.update_progress(
                    worker, Progress("writing", done, 9), sequence=done
                )

    def finish(self, who):
        if worker := self.worker(who):
            self.succeed(worker)
            lifecycle.finish_cancel(worker)

    def end_otherwise(self, who):
        if worker := self.worker(who):
            lifecycle.finish_cancel(worker)
            lifecycle.fail(worker, DataError("Enrolment 7 has no class."))

    def hand_over(self, who):
        if worker := self.worker(who):
            lifecycle.release(worker)

    def fall_silent(self, which, rarely):
        running = Task.objects.filter(pk=self.tasks[which], state="running")
        running.update(lease_until=LONG_AGO)
        if rarely:
            running.update(deadline=LONG_AGO)
        lease_recovery.recover_tasks()

    def compute_silently(self, which):
        with suppress(RedisUnavailable):
            redis_store.set_cpu_active([str(self.tasks[which])], seconds=60)

    def sleep_before_mirroring(self, which):
        self.sleeper = Task.objects.get(pk=self.tasks[which])

    def wake_and_mirror(self):
        if self.sleeper is not None:
            projection.sync_document(self.sleeper)

    # --- What holds after each step -------------------------------------------------

    @invariant()
    def every_promise_is_kept(self):
        rows = self._all()
        self.every_move_is_legal(rows)
        self.answered_cancel_never_succeeds(rows)
        self.result_is_of_the_attempt_that_held_the_task(rows)
        self.document_that_is_shown_is_true_or_about_to_be_mended(rows)

    def every_move_is_legal(self, rows):
        for row in rows:
            before = self.rows.get(row.pk, row)
            assert row.version >= before.version
            assert row.fence >= before.fence
            assert 0 <= row.attempt <= lifecycle.MAX_ATTEMPTS
            if row.state != before.state:
                assert (before.state, row.state) in LEGAL
                assert row.version > before.version
            self.rows[row.pk] = row

    def answered_cancel_never_succeeds(self, rows):
        for row in rows:
            if row.pk in self.cancels_answered:
                assert row.state not in {"succeeded", "expired"}

    def result_is_of_the_attempt_that_held_the_task(self, rows):
        for row in rows:
            if row.state == "succeeded":
                assert row.artifact == f"fence {self.results[row.pk]}"
                assert row.fence == self.results[row.pk]

    def document_that_is_shown_is_true_or_about_to_be_mended(self, rows):
        for row in rows:
            header = self._shown_header(row)
            if header is None:
                continue
            assert header.version <= row.version
            if header.version == row.version:
                assert header.state == row.state != "expired"
            else:
                assert row.projected_version < row.version

    def everything_ends(self) -> None:
        """Once nothing is broken any more, a living worker brings all to their ends."""
        breaker.reset()
        for _ in range(3 * lifecycle.MAX_ATTEMPTS):
            self.fall_silent_all()
            redis_store.client().delete(
                *[f"cpu-active:{row.pk}" for row in self._all()] or ["x"]
            )
            self.messages_grow_old()
            lease_recovery.recover_tasks()
            self.dispatcher.tick()
            for task_id in sorted(redis_store.message_ids(QUEUE)):
                self._make(task_id)
            redis_store.client().delete(QUEUE)
            rows = self._all()
            self.answered_cancel_never_succeeds(rows)
            for row in rows:
                before = self.rows[row.pk].state
                assert before not in FINAL or row.state == before
            if all(row.state in FINAL for row in rows):
                break
        self.dispatcher.tick()
        for row in self._all():
            assert row.state in FINAL, f"{row} is stuck: {row.state}, {row.attempt}"
            header = self._shown_header(row)
            assert row.projected_version == row.version
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
        if worker is not None:
            self.succeed(worker)

    def succeed(self, worker: Task) -> None:
        result = {"rows": 1, "bytes": 2, "sha256": "", "media_type": "", "filename": ""}
        if lifecycle.succeed(
            worker,
            artifact=f"fence {worker.fence}",
            result=result,
            scope=Scope("teacher", (1, 2)),
        ):
            assert self.results.setdefault(worker.pk, worker.fence) == worker.fence

    def _all(self) -> list[Task]:
        return list(Task.objects.order_by("id")) if hasattr(self, "undo") else []

    def _shown_header(self, row: Task):
        with suppress(RedisUnavailable):
            return redis_store.get_cached_task(row.pk, self.viewer.pk).meta
        return None


@pytest.mark.guarantee("Every order of events keeps the promises of the lifecycle.")
@pytest.mark.django_db
@pytest.mark.timeout(400)
@pytest.mark.parametrize("examples", EXAMPLES)
def test_every_order_of_events_keeps_the_promises(network, examples):
    run_state_machine_as_test(
        Lifecycle,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

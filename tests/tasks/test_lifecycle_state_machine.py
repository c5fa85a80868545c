"""State-machine test of the task lifecycle with random orders of events."""

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

from school.models import User
from school.runtime.logging import CANARY_ID_PREFIX
from school.scope import Scope
from tasks import lifecycle, redis_store
from tasks.circuit_breaker import RedisUnavailable, breaker
from tasks.errors import TaskFinished
from tasks.failures import DataError
from tasks.maintenance import lease_recovery
from tasks.maintenance.dispatcher import Dispatcher
from tasks.models import Task
from tasks.progress import Progress
from tasks.status import projection, reader
from tests.support.task_factories import queue_task

EXAMPLES = [
    12,
    pytest.param(50, marks=pytest.mark.deep("fifty runs of sixty events")),
]
"""Numbers of random runs; the larger one runs in deep tests only."""
STEPS = 60
TASKS = 2
"""Number of tasks; few, so that each receives many events."""
QUEUE = "reports"
LONG_AGO = "2020-01-01T00:00:00Z"
FINAL = {"succeeded", "failed", "canceled", "expired"}
# Written independently, so that it tests the table in the code.
LEGAL_TRANSITIONS = {
    ("queued", "running"), ("queued", "canceled"),
    ("running", "succeeded"), ("running", "failed"), ("running", "canceled"), ("running", "queued"),
    ("succeeded", "expired"),
}  # fmt: skip


TASK_INDEXES = st.integers(0, TASKS - 1)
ATTEMPT_INDEXES = st.integers(0, 9)
PROGRESS_DONE = st.integers(0, 9)
EVENTS = (
    "claim", "claim", "renew", "finish", "finish", "fail", "release", "lose_lease",
    "lose_lease", "mark_cpu_active", "cancel", "poll", "expire", "dispatch",
    "age_messages", "lose_messages", "wipe_redis", "break_redis", "restore_redis",
    "start_another_dispatcher", "save_redis_copy", "restart_redis_with_copy",
    "pause_before_sync", "resume_sync",
)  # fmt: skip
ONE_IN_FOUR = st.sampled_from([False, False, False, True])


class LifecycleMachine(RuleBasedStateMachine):
    """State machine of tasks, workers that sleep or die at any point, and a Redis that loses data.

    Events choose tasks and attempts by index and do nothing if there is none, so that the
    generated events never depend on the content of the database.
    """

    @initialize()
    def set_up(self) -> None:
        self.outer_transaction = transaction.atomic()
        self.outer_transaction.__enter__()
        redis_store.client().flushdb()
        breaker.reset()
        redis_store.epoch_guard.reset()
        self.viewer = User.objects.get(username="teacher")
        self.dispatcher = Dispatcher()
        self.tasks = [queue_task(self.viewer).pk for _ in range(TASKS)]
        self.attempts: list[Task] = []
        self.paused_task: Task | None = None
        self.redis_copy: dict = {}
        self.last_rows: dict = {}
        self.polled_states: dict = {}
        self.canceled_ids: set = set()
        self.results: dict = {}

    def teardown(self) -> None:
        try:
            self.check_termination()
        finally:
            transaction.set_rollback(True)
            self.outer_transaction.__exit__(None, None, None)
            breaker.reset()

    @rule(
        event_name=st.sampled_from(EVENTS),
        task_index=TASK_INDEXES,
        attempt_index=ATTEMPT_INDEXES,
        done=PROGRESS_DONE,
        one_in_four=ONE_IN_FOUR,
    )
    def apply_event(self, event_name, **arguments):
        """Apply one event; a single rule lets Hypothesis choose among all events each time."""
        event = getattr(self, event_name)
        event(**{name: arguments[name] for name in signature(event).parameters})

    # --- Requests -------------------------------------------------------------------

    def cancel(self, task_index, one_in_four):
        task = Task.objects.get(pk=self.tasks[task_index])
        if task.state == "queued" and not one_in_four:
            return
        with suppress(TaskFinished):
            lifecycle.cancel(task)
            self.canceled_ids.add(task.pk)

    def poll(self, task_index):
        task_id = self.tasks[task_index]
        version = self.viewer.access_version
        state = reader.read_snapshot(
            task_id,
            viewer_id=self.viewer.pk,
            token_version=version,
            generation=self.viewer.session_generation,
        ).state
        before = self.polled_states.get(task_id)
        assert before not in FINAL or state in {before, "expired"}, (before, state)
        self.polled_states[task_id] = state

    def expire(self, task_index):
        task = Task.objects.get(pk=self.tasks[task_index])
        if task.state == "succeeded":
            lifecycle.erase(task)

    # --- Redis and dispatcher -------------------------------------------------------

    def lose_messages(self):
        redis_store.client().delete(QUEUE)

    def wipe_redis(self):
        redis_store.client().flushdb()

    def break_redis(self):
        breaker._open_until = float("inf")

    def restore_redis(self):
        breaker.reset()

    def start_another_dispatcher(self):
        self.dispatcher = Dispatcher()

    def dispatch(self):
        self.dispatcher.tick()

    def save_redis_copy(self):
        if breaker.is_open:
            return  # the dispatcher could not advance the epoch after the copy
        redis = redis_store.client()
        self.redis_copy = {key: redis.dump(key) for key in redis.scan_iter()}
        self.dispatcher.tick()

    def restart_redis_with_copy(self):
        redis = redis_store.client()
        redis.flushdb()
        for key, value in self.redis_copy.items():
            redis.restore(key, 60_000, value)
        self.dispatcher.resync.redis_run_id = "previous-run"

    def age_messages(self):
        Task.objects.filter(published_at__isnull=False).update(published_at=LONG_AGO)

    # --- Workers --------------------------------------------------------------------

    def claim(self, task_index):
        """Claim on a first or duplicate message; replace a final task with a new one."""
        if Task.objects.get(pk=self.tasks[task_index]).is_final:
            self.tasks[task_index] = queue_task(self.viewer).pk
        state_before = Task.objects.get(pk=self.tasks[task_index]).state
        attempt = lifecycle.claim(self.tasks[task_index])
        assert (attempt is not None) == (state_before == "queued")
        if attempt is not None:
            self.attempts.insert(0, attempt)

    def attempt_at(self, index: int) -> Task | None:
        """Return an attempt that has ever held a task, most often the latest."""
        if not self.attempts:
            return None
        return self.attempts[index if index < len(self.attempts) else 0]

    def renew(self, attempt_index, done):
        if attempt := self.attempt_at(attempt_index):
            lifecycle.renew(attempt, Progress("writing", done, 9))
            with suppress(RedisUnavailable):
                projection.update_progress(
                    attempt, Progress("writing", done, 9), sequence=done
                )

    def finish(self, attempt_index):
        if attempt := self.attempt_at(attempt_index):
            self.complete(attempt)
            lifecycle.finish_cancel(attempt)

    def fail(self, attempt_index):
        if attempt := self.attempt_at(attempt_index):
            lifecycle.finish_cancel(attempt)
            lifecycle.fail(attempt, DataError("Enrolment 7 has no class."))

    def release(self, attempt_index):
        if attempt := self.attempt_at(attempt_index):
            lifecycle.release(attempt)

    def lose_lease(self, task_index, one_in_four):
        running = Task.objects.filter(pk=self.tasks[task_index], state="running")
        running.update(lease_until=LONG_AGO)
        if one_in_four:
            running.update(deadline=LONG_AGO)
        lease_recovery.recover_tasks()

    def mark_cpu_active(self, task_index):
        with suppress(RedisUnavailable):
            redis_store.set_cpu_active([str(self.tasks[task_index])], seconds=60)

    def pause_before_sync(self, task_index):
        self.paused_task = Task.objects.get(pk=self.tasks[task_index])

    def resume_sync(self):
        if self.paused_task is not None:
            projection.sync_document(self.paused_task)

    # --- Invariants after each step -------------------------------------------------

    @invariant()
    def check_all_invariants(self):
        rows = self._load_rows()
        self.check_transitions(rows)
        self.check_canceled(rows)
        self.check_results(rows)
        self.check_documents(rows)

    def check_transitions(self, rows):
        for row in rows:
            before = self.last_rows.get(row.pk, row)
            assert row.version >= before.version
            assert row.fence >= before.fence
            assert 0 <= row.attempt <= lifecycle.MAX_ATTEMPTS
            if row.state != before.state:
                assert (before.state, row.state) in LEGAL_TRANSITIONS
                assert row.version > before.version
            self.last_rows[row.pk] = row

    def check_canceled(self, rows):
        for row in rows:
            if row.pk in self.canceled_ids:
                assert row.state not in {"succeeded", "expired"}

    def check_results(self, rows):
        for row in rows:
            if row.state == "succeeded":
                assert row.artifact == f"fence {self.results[row.pk]}"
                assert row.fence == self.results[row.pk]

    def check_documents(self, rows):
        for row in rows:
            meta = self._read_document_meta(row)
            if meta is None:
                continue
            assert meta.version <= row.version
            if meta.version == row.version:
                assert meta.state == row.state != "expired"
            else:
                assert row.projected_version < row.version

    def check_termination(self) -> None:
        """Check that a living worker brings every task to a final state once faults end."""
        breaker.reset()
        for _ in range(3 * lifecycle.MAX_ATTEMPTS):
            self.expire_all_leases()
            keys = [f"cpu-active:{row.pk}" for row in self._load_rows()]
            if keys:
                redis_store.client().delete(*keys)
            self.age_messages()
            lease_recovery.recover_tasks()
            self.dispatcher.tick()
            for task_id in sorted(redis_store.message_ids(QUEUE)):
                self._run_task(task_id)
            redis_store.client().delete(QUEUE)
            rows = self._load_rows()
            self.check_canceled(rows)
            for row in rows:
                before = self.last_rows[row.pk].state
                assert before not in FINAL or row.state == before
            if all(row.state in FINAL for row in rows):
                break
        self.dispatcher.tick()
        for row in self._load_rows():
            assert row.state in FINAL, f"{row} is stuck: {row.state}, {row.attempt}"
            meta = self._read_document_meta(row)
            assert row.projected_version == row.version
            if row.state == "expired":
                assert meta is None
            else:
                assert (meta.state, meta.version) == (row.state, row.version)

    def expire_all_leases(self) -> None:
        Task.objects.filter(state="running").update(lease_until=LONG_AGO)

    def _run_task(self, task_id: str) -> None:
        if task_id.startswith(CANARY_ID_PREFIX):
            return
        attempt = lifecycle.claim(task_id)
        if attempt is not None:
            self.complete(attempt)

    def complete(self, attempt: Task) -> None:
        result = {"rows": 1, "bytes": 2, "sha256": "", "media_type": "", "filename": ""}
        if lifecycle.succeed(
            attempt,
            artifact=f"fence {attempt.fence}",
            result=result,
            scope=Scope("teacher", (1, 2)),
        ):
            assert self.results.setdefault(attempt.pk, attempt.fence) == attempt.fence

    def _load_rows(self) -> list[Task]:
        return (
            list(Task.objects.order_by("id"))
            if hasattr(self, "outer_transaction")
            else []
        )

    def _read_document_meta(self, row: Task):
        with suppress(RedisUnavailable):
            return redis_store.get_cached_task(row.pk, self.viewer.pk).meta
        return None


@pytest.mark.guarantee("The lifecycle invariants hold in every order of events.")
@pytest.mark.django_db
@pytest.mark.timeout(400)
@pytest.mark.parametrize("examples", EXAMPLES)
def test_lifecycle_invariants_hold_for_random_events(network, examples):
    run_state_machine_as_test(
        LifecycleMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

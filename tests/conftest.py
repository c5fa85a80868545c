"""Shared fixtures: databases, Redis, the demo users, a browser and the service."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connections, transaction
from django.utils import translation
from playwright.sync_api import Browser

from school import second_factor
from school.db.outage import outage
from school.db.snapshot import ALIAS
from school.demo import loading
from school.demo.network import DemoNetwork
from school.models import User
from school.runtime import redis_address
from school.runtime.embedded_redis import EmbeddedRedis, free_port
from tasks import redis_store
from tasks.circuit_breaker import breaker, database_breaker
from tasks.redis_store import rate_limits
from tasks.redis_store.client import listening_client
from tasks.scheduling import broker, durations
from tests.support import chromium
from tests.support.contract import ContractClient
from tests.support.environment import DATABASE

STUDENT_COUNT = 100
DATABASE_FIXTURES = {"db", "transactional_db", "network", "stack"}
"""Fixtures that give a test a database."""
MARKERS_WITH_REASON = {"deep", "deep_on_postgresql", "one_database"}


def pytest_configure() -> None:
    # The duration of an example is not part of the contract and depends on the machine's load.
    hypothesis.settings.register_profile("no-deadline", deadline=None)
    hypothesis.settings.load_profile("no-deadline")
    # The real hasher is slow and has its own test.
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.hookimpl(tryfirst=True)  # before pytest evaluates the marker `deep`
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    for item in items:
        for mark in item.iter_markers():
            if mark.name in MARKERS_WITH_REASON and not mark.args:
                raise pytest.UsageError(f"{item.nodeid}: {mark.name} needs a reason")
    if DATABASE != "sqlite":
        for item in items:
            if item.get_closest_marker("deep_on_postgresql"):
                item.add_marker("deep")
        database_free = [item for item in items if not _runs_on_each_database(item)]
        config.hook.pytest_deselected(items=database_free)
        items[:] = [item for item in items if item not in set(database_free)]


def _runs_on_each_database(item: Any) -> bool:
    """Return whether the test runs on PostgreSQL too.

    Tests that use a database do, unless they or their module are marked `one_database`.
    """
    marks = ("one_database", "each_database")
    closest = next((m.name for m in item.iter_markers() if m.name in marks), None)
    return _uses_database(item) and closest != "one_database"


def _uses_database(item: Any) -> bool:
    """Return whether the test uses a database; tests that use none run once, on SQLite."""
    is_marked = item.get_closest_marker("django_db") is not None
    is_database_aware = hasattr(item.module, "DATABASE")
    return (
        is_marked
        or is_database_aware
        or not DATABASE_FIXTURES.isdisjoint(item.fixturenames)
    )


@pytest.fixture(autouse=True)
def no_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Unusable `DATABASE_URL` for the child processes of tests without a database.

    In the test process itself pytest-django refuses access.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not _uses_database(request.node):
            folder = Path(__file__).parent  # a directory, so SQLite cannot open it
            patch.setenv("DATABASE_URL", f"sqlite:///{folder}")
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """Use a file for SQLite, because an in-memory database locks differently."""
    database = django_settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(Path(database["NAME"]).with_name("test.sqlite3"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        _load_demo_network()


@pytest.fixture
def network(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> DemoNetwork:
    """A demo network of four classes in three schools."""
    if "transactional_db" in request.fixturenames:
        request.getfixturevalue("transactional_db")
        return _load_demo_network()  # the previous test flushed every table
    request.getfixturevalue("db")
    # The test never commits, so a second connection would not see its rows.
    monkeypatch.setattr("school.db.snapshot.ALIAS", "default")
    return DemoNetwork(STUDENT_COUNT)


@pytest.fixture
def snapshot_connection(transactional_db: None, network: DemoNetwork) -> Iterator[None]:
    """Real snapshots on a second connection, for all databases of the test."""
    yield
    if DATABASE == "postgresql":
        connections[ALIAS].close_pool()  # else the test database cannot be dropped


@pytest.fixture(scope="module")
def create_for_module(
    django_db_setup: None, django_db_blocker: Any
) -> Iterator[Callable[..., Any]]:
    """Function that creates records for all tests of a module; they are rolled back at its end.

    Each test runs in a savepoint inside this transaction. Tests must not change the shared
    model instances, because a rollback does not restore Python objects.
    """
    outer_transaction = transaction.atomic()
    outer_transaction._from_testcase = True  # type: ignore[attr-defined]  # as Django marks its own

    def run_unblocked(build: Callable[[], Any]) -> Any:
        with django_db_blocker.unblock():
            return build()

    run_unblocked(outer_transaction.__enter__)
    yield run_unblocked
    run_unblocked(lambda: transaction.set_rollback(True))
    run_unblocked(lambda: outer_transaction.__exit__(None, None, None))


def _load_demo_network() -> DemoNetwork:
    demo = DemoNetwork(STUDENT_COUNT)
    if not User.objects.exists():
        loading.load_network(demo, lambda _classes: None)
    return demo


@pytest.fixture(autouse=True)
def clean_redis() -> None:
    redis_store.client().flushdb()
    breaker.reset()  # closes the circuit
    rate_limits.memory_storage.cache_clear()
    database_breaker.reset()
    outage.reset()
    redis_store.epoch_guard.reset()
    durations.duration_cache.reset()
    cache.clear()
    second_factor.check_requirement.cache_clear()
    redis_store.advance_epoch(0)  # as the dispatcher does after its first check


@pytest.fixture(autouse=True)
def reset_language() -> None:
    """Deactivate the language of the last request, which stays active in the thread."""
    translation.deactivate()


@pytest.fixture
def point_redis_at(settings):
    """Function that points this process's Redis clients to another URL."""
    from school.celery import app

    conf = app.conf.broker_url

    def point(url: str) -> None:
        settings.REDIS_URL = redis_address.parse(url).to_url()
        settings.CELERY_BROKER_URL = redis_address.without_credentials(url)
        app.conf.broker_url = app.conf.broker_write_url = settings.CELERY_BROKER_URL
        redis_store.client.cache_clear()
        listening_client.cache_clear()
        broker._connection.cache_clear()
        breaker.reset()

    original_url = settings.REDIS_URL
    yield point
    point(original_url)
    assert app.conf.broker_url == conf


@pytest.fixture
def redis_down(point_redis_at):
    """Redis URL on which no server listens."""
    point_redis_at(f"redis://127.0.0.1:{free_port()}/0")


@pytest.fixture
def redis_unresponsive(point_redis_at, tmp_path):
    """Redis server that accepts connections and answers nothing."""
    server = EmbeddedRedis(tmp_path)
    point_redis_at(server.start())
    os.kill(server.process.pid, signal.SIGSTOP)
    yield
    os.kill(server.process.pid, signal.SIGCONT)
    server.stop()


@pytest.fixture
def admin(network: DemoNetwork) -> User:
    """Administrator who sees every school."""
    return User.objects.get(username="admin")


@pytest.fixture
def secretary(network: DemoNetwork) -> User:
    """Staff of school 1, which has classes 1 and 2."""
    return User.objects.get(username="secretary")


@pytest.fixture
def teacher(network: DemoNetwork) -> User:
    """Teacher of classes 1 and 2."""
    return User.objects.get(username="teacher")


@pytest.fixture
def guardian(network: DemoNetwork) -> User:
    """Guardian of a child in class 1 and one in class 2."""
    return User.objects.get(username="guardian")


@pytest.fixture
def stranger(network: DemoNetwork) -> User:
    """Staff of school 2, which has class 3."""
    return User.objects.get(username="stranger")


@pytest.fixture
def as_user() -> Any:
    """Function that returns a client for a user; it checks responses against `openapi.yaml`."""
    return ContractClient.for_user


@pytest.fixture(
    scope="module"
)  # while it runs an event loop, Django refuses the database
def browser() -> Iterator[Browser]:
    """A real browser that can reach only this machine."""
    with chromium.launch_chromium() as instance:
        yield instance

"""The people of the tests, what they see of the world, and the service itself."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.utils import translation
from playwright.sync_api import Browser

from school.demo import loading
from school.demo.network import DemoNetwork
from school.models import User
from school.runtime.embedded_redis import EmbeddedRedis, free_port
from tasks import redis_store
from tasks.circuit_breaker import breaker, database_breaker
from tasks.redis_store.client import listening_client
from tasks.scheduling import broker, durations
from tests.support import chromium
from tests.support.contract import ContractClient
from tests.support.environment import DATABASE
from tests.support.stack import Stack, create_database

STUDENT_COUNT = 100
DATABASE_FIXTURES = {"db", "transactional_db", "network", "stack"}
"""The fixtures by which a test comes to a database."""
NEED_A_REASON = {"deep", "deep_on_postgresql", "one_database"}


def pytest_configure() -> None:
    # How long one example takes is nobody's promise, and hangs on what else is running.
    hypothesis.settings.register_profile("ours", deadline=None)
    hypothesis.settings.load_profile("ours")
    # The real hasher has a test of its own.
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.hookimpl(tryfirst=True)  # before pytest looks for the mark `deep`
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    for item in items:
        for mark in item.iter_markers():
            if mark.name in NEED_A_REASON and not mark.args:
                raise pytest.UsageError(f"{item.nodeid}: {mark.name} needs a reason")
    if DATABASE != "sqlite":
        for item in items:
            if item.get_closest_marker("deep_on_postgresql"):
                item.add_marker("deep")
        database_free = [item for item in items if not _runs_on_each_database(item)]
        config.hook.pytest_deselected(items=database_free)
        items[:] = [item for item in items if item not in set(database_free)]


def _runs_on_each_database(item: Any) -> bool:
    """Every test that uses a database does, unless it or its module is marked otherwise."""
    marks = ("one_database", "each_database")
    closest = next((m.name for m in item.iter_markers() if m.name in marks), None)
    return _uses_database(item) and closest != "one_database"


def _uses_database(item: Any) -> bool:
    """Whether the test uses a database. Tests that do not run on SQLite only."""
    is_marked = item.get_closest_marker("django_db") is not None
    is_database_aware = hasattr(item.module, "DATABASE")
    return (
        is_marked
        or is_database_aware
        or not DATABASE_FIXTURES.isdisjoint(item.fixturenames)
    )


@pytest.fixture(autouse=True)
def no_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nor can a process come to one that such a test starts; in this one Django refuses."""
    with pytest.MonkeyPatch.context() as patch:
        if not _uses_database(request.node):
            folder = Path(__file__).parent  # is no file, so nobody opens it
            patch.setenv("DATABASE_URL", f"sqlite:///{folder}")
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """A file for SQLite: in memory it would lock unlike the real one."""
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
        return _load_demo_network()  # the test before has emptied every table
    request.getfixturevalue("db")
    # What the test writes is never committed, so a second connection would not see it.
    monkeypatch.setattr("school.db.snapshot.ALIAS", "default")
    return DemoNetwork(STUDENT_COUNT)


@pytest.fixture(scope="module")
def create_for_module(
    django_db_setup: None, django_db_blocker: Any
) -> Iterator[Callable[..., Any]]:
    """Calls what writes records that all tests of a file find; its end undoes them.

    Each test's own transaction lies within this one. Only for tests that change no such
    record by the object they are given, since objects are not undone.
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
    breaker.reset()  # closed again
    database_breaker.reset()
    redis_store.epoch_guard.reset()
    durations.duration_cache.reset()
    redis_store.advance_epoch(0)  # as a dispatcher does once it has looked


@pytest.fixture(autouse=True)
def reset_language() -> None:
    """Not that of the last request: a process keeps it until the next comes."""
    translation.deactivate()


@pytest.fixture
def point_redis_at(settings):
    """Lead this process's Redis clients to another address."""
    from school.celery import app

    conf = app.conf.broker_url

    def point(url: str) -> None:
        settings.REDIS_URL = url
        app.conf.broker_url = app.conf.broker_write_url = url
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
    """Nobody listens at Redis's address."""
    point_redis_at(f"redis://127.0.0.1:{free_port()}/0")


@pytest.fixture
def redis_unresponsive(point_redis_at, tmp_path):
    """Redis takes connections and answers nothing."""
    server = EmbeddedRedis(tmp_path)
    point_redis_at(server.start())
    os.kill(server.process.pid, signal.SIGSTOP)
    yield
    os.kill(server.process.pid, signal.SIGCONT)
    server.stop()


@pytest.fixture
def admin(network: DemoNetwork) -> User:
    """Sees every school."""
    return User.objects.get(username="admin")


@pytest.fixture
def secretary(network: DemoNetwork) -> User:
    """Works at school 1, with classes 1 and 2."""
    return User.objects.get(username="secretary")


@pytest.fixture
def teacher(network: DemoNetwork) -> User:
    """Teaches classes 1 and 2."""
    return User.objects.get(username="teacher")


@pytest.fixture
def guardian(network: DemoNetwork) -> User:
    """Has a child in class 1 and one in class 2."""
    return User.objects.get(username="guardian")


@pytest.fixture
def stranger(network: DemoNetwork) -> User:
    """Works at school 2, with class 3."""
    return User.objects.get(username="stranger")


@pytest.fixture
def as_user() -> Any:
    """A client that is logged in as the given user and holds us to `openapi.yaml`."""
    return ContractClient.for_user


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole service as real processes, with the demo network loaded."""
    database_url = create_database() if DATABASE == "postgresql" else ""
    with Stack(tmp_path_factory.mktemp("stack"), database_url) as service:
        yield service


@pytest.fixture(scope="module")  # while it is there, Django refuses the database
def browser() -> Iterator[Browser]:
    """A real browser, which reaches this machine alone."""
    with chromium.launch_chromium() as instance:
        yield instance

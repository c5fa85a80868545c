import subprocess
import sys

import pytest
from celery import current_app
from django.conf import settings

import school
from school.celery import app
from tasks.redis_store.result_backend import ResultBackend

REGISTERED = {
    "tasks.generate_report", "tasks.run_commands", "tasks.sweep",
}  # fmt: skip


def test_celery_app_is_exported():
    assert app.main == "school"
    assert school.celery_app is app
    assert current_app._get_current_object() is app


def test_celery_app_reads_celery_settings():
    assert app.conf.task_default_queue == settings.CELERY_TASK_DEFAULT_QUEUE
    assert app.conf.timezone == settings.CELERY_TIMEZONE


def test_message_without_queue_goes_to_default():
    route = app.amqp.router.route({}, "tasks.sweep")

    assert route["queue"].name == "default"
    assert route["queue"].exchange.name == "default"
    assert route["queue"].routing_key == "default"
    assert app.conf.task_default_exchange == "default"
    assert app.conf.task_default_routing_key == "default"


def test_queues_are_exactly_three():
    assert set(app.amqp.queues) == {"default", "reports", "reports.bulk"}
    assert not app.conf.task_create_missing_queues


def test_task_modules_are_all_imported():
    app.loader.import_default_modules()

    own_tasks = {name for name in app.tasks if not name.startswith("celery.")}
    assert own_tasks == REGISTERED


def test_messages_are_json_only():
    assert app.conf.task_serializer == "json"
    assert app.conf.result_serializer == "json"
    assert app.conf.accept_content == ["json"]


def test_celery_time_zone_is_manaus_with_utc():
    assert app.conf.enable_utc
    assert app.conf.timezone == "America/Manaus"
    assert settings.TIME_ZONE == "America/Manaus"


def test_redis_is_broker_and_result_backend(settings):
    [broker] = {
        app.conf.broker_url,
        app.conf.broker_read_url,
        app.conf.broker_write_url,
    }
    assert broker == settings.CELERY_BROKER_URL == app.backend.as_uri()
    assert type(app.backend) is ResultBackend


def run_code(code: str, folder, **variables: str) -> str:
    """Run code in a new process with only the state folder set, and return its output."""
    environment = {"PATH": "/usr/bin:/bin", "VAR_DIR": str(folder), **variables}
    process = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"DJANGO_SETTINGS_MODULE": "school.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    return process.stdout.strip()


def test_time_zone_of_the_environment_is_that_of_all_parts(tmp_path):
    code = """
import time
from django.utils import timezone
from school.celery import app
print(app.conf.timezone, timezone.get_default_timezone(), time.strftime("%z"))
"""
    for zone, offset in [("America/Rio_Branco", "-0500"), ("", "-0400")]:
        name = zone or "America/Manaus"
        output = run_code(code, tmp_path, TIME_ZONE=zone, TZ="Asia/Tokyo")
        assert output == f"{name} {name} {offset}"


def default_redis_url(folder) -> str:
    return run_code(
        "from school.settings import REDIS_URL; print(REDIS_URL)",
        folder,
    )


def test_worker_imports_neither_admin_nor_views(tmp_path):
    code = """
import sys
from school.celery import app
app.loader.import_default_modules()
print(*sorted({"school.admin", "tasks.admin", "school.urls", "api.urls"} & {*sys.modules}))
print("tasks.worker.build" in sys.modules)
"""
    assert run_code(code, tmp_path) == "True"


def test_redis_url_without_settings_is_local(tmp_path):
    assert default_redis_url(tmp_path) == "redis://127.0.0.1:6379/0"


def test_redis_url_is_read_from_state_file(tmp_path):
    (tmp_path / "redis.url").write_text("redis://:secret@127.0.0.1:7777/0\n")

    assert default_redis_url(tmp_path) == "redis://:secret@127.0.0.1:7777/0"


@pytest.mark.guarantee("No Celery command prints a password or a key.")
def test_celery_report_shows_no_secret(tmp_path):
    secrets = {
        name: f"{name}-secret".ljust(60, "x") for name in ("first", "second", "third")
    }
    environment = {
        "PATH": "/usr/bin:/bin",
        "VAR_DIR": str(tmp_path),
        "SECRET_KEY": secrets["first"],
        "JWT_SIGNING_KEY": secrets["second"],
        "REDIS_SIGNING_KEY": secrets["third"],
        "REDIS_URL": "redis://:redis-password@127.0.0.1:1/0",
        "DATABASE_URL": "postgresql://school:database-password@127.0.0.1:1/school",
    }
    report = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "school", "report"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "broker_url: 'redis://:********@127.0.0.1:1/0'" in report
    for secret in (*secrets.values(), "redis-password", "database-password"):
        assert secret not in report


def test_celery_settings_have_measured_values():
    assert app.conf.task_ignore_result
    assert not app.conf.task_acks_late
    assert not app.conf.task_reject_on_worker_lost
    assert not app.conf.task_track_started
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.broker_connection_retry_on_startup
    assert app.conf.broker_connection_max_retries is None
    assert not app.conf.worker_cancel_long_running_tasks_on_connection_loss
    assert app.conf.broker_transport_options["visibility_timeout"] == 60

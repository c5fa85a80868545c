import subprocess
import sys

from celery import current_app
from django.conf import settings

import school
from school.celery import app

REGISTERED = {
    "tasks.canary", "tasks.generate_report", "tasks.run_commands", "tasks.sweep",
}  # fmt: skip


def test_app_is_school_and_exported():
    assert app.main == "school"
    assert school.celery_app is app
    assert current_app._get_current_object() is app


def test_app_is_configured_under_the_celery_namespace():
    assert app.conf.task_default_queue == settings.CELERY_TASK_DEFAULT_QUEUE
    assert app.conf.timezone == settings.CELERY_TIMEZONE


def test_message_without_a_queue_goes_to_the_queue_default():
    route = app.amqp.router.route({}, "tasks.canary")

    assert route["queue"].name == "default"
    assert route["queue"].exchange.name == "default"
    assert route["queue"].routing_key == "default"
    assert app.conf.task_default_exchange == "default"
    assert app.conf.task_default_routing_key == "default"


def test_there_are_three_queues_and_no_other_can_be_named():
    assert set(app.amqp.queues) == {"default", "reports", "reports.bulk"}
    assert not app.conf.task_create_missing_queues


def test_every_task_module_is_imported():
    app.loader.import_default_modules()

    ours = {name for name in app.tasks if not name.startswith("celery.")}
    assert ours == REGISTERED


def test_messages_are_json_only():
    assert app.conf.task_serializer == "json"
    assert app.conf.result_serializer == "json"
    assert app.conf.accept_content == ["json"]


def test_time_is_utc_and_the_zone_manaus():
    assert app.conf.enable_utc
    assert app.conf.timezone == "America/Manaus"
    assert settings.TIME_ZONE == "America/Manaus"


def test_redis_is_both_broker_and_result_backend(settings):
    assert app.conf.broker_url == settings.REDIS_URL
    assert app.conf.result_backend == settings.REDIS_URL


def run_code(code: str, folder) -> str:
    """A new process's words, with that state folder, when nothing else is set."""
    environment = {"PATH": "/usr/bin:/bin", "VAR_DIR": str(folder)}
    process = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"DJANGO_SETTINGS_MODULE": "school.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    return process.stdout.strip()


def default_redis_url(folder) -> str:
    return run_code("from school.settings import REDIS_URL; print(REDIS_URL)", folder)


def test_worker_imports_neither_the_pages_of_the_admin_nor_the_views(tmp_path):
    code = """
import sys
from school.celery import app
app.loader.import_default_modules()
print(*sorted({"school.admin", "tasks.admin", "school.urls", "api.urls"} & {*sys.modules}))
print("tasks.worker.build" in sys.modules)
"""
    assert run_code(code, tmp_path) == "True"


def test_redis_is_the_local_one_when_nothing_is_said(tmp_path):
    assert default_redis_url(tmp_path) == "redis://127.0.0.1:6379/0"


def test_started_redis_is_found_by_its_file(tmp_path):
    (tmp_path / "redis.url").write_text("redis://:secret@127.0.0.1:7777/0\n")

    assert default_redis_url(tmp_path) == "redis://:secret@127.0.0.1:7777/0"


def test_what_measurement_taught_is_set():
    assert app.conf.task_ignore_result
    assert not app.conf.task_acks_late
    assert not app.conf.task_reject_on_worker_lost
    assert not app.conf.task_track_started
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.broker_connection_retry_on_startup
    assert app.conf.broker_connection_max_retries is None
    assert not app.conf.worker_cancel_long_running_tasks_on_connection_loss
    assert app.conf.broker_transport_options["visibility_timeout"] == 60

import json
import logging
import logging.config

import pytest
import structlog

from school.runtime.logging import (
    CANARY_ID_PREFIX,
    MAX_VALUE_CHARACTERS,
    DropCanaries,
    DropRepeatedStatus,
    configure,
)


@pytest.fixture
def log_line(capsys):
    """Function that logs through the service's configuration and returns the line."""

    def log(**values: object) -> dict:
        handler = next(iter(logging.getLogger().handlers))
        formatter = handler.formatter
        record = logging.LogRecord("a", logging.INFO, "", 0, values, (), None)
        record._logger, record._name = None, "info"
        return json.loads(formatter.format(record))

    previous_config = structlog.get_config()
    config = configure(level="INFO")
    root = logging.getLogger()
    previous = root.handlers[:]
    logging.config.dictConfig(config)
    yield log
    root.handlers[:] = previous
    # The loggers in use keep the processors with which they were used first.
    structlog.configure(**previous_config)


@pytest.mark.guarantee("A log line has a limited length.")
@pytest.mark.parametrize(
    "value", ["a" * 1_000_000, ["a" * 1_000_000], {"key": "a" * 1_000_000}]
)
def test_long_value_is_cut_in_the_middle(log_line, value):
    line = log_line(event="failed", detail=value)

    assert "characters left out] " in line["detail"]
    assert len(line["detail"]) < MAX_VALUE_CHARACTERS + 100
    assert line["detail"][0] == str(value)[0]
    assert line["detail"][-1] == str(value)[-1]


@pytest.mark.parametrize("value", ["short", 5, 1.5, None, True, ["a", 1], {"a": [1]}])
def test_short_value_is_unchanged(log_line, value):
    assert log_line(event="done", detail=value)["detail"] == value


def test_traceback_keeps_its_error(log_line):
    try:
        raise ValueError("x" * 100_000 + "the end")
    except ValueError:
        error = structlog.processors.format_exc_info(None, "", {"exc_info": True})

    assert log_line(event="failed", **error)["exception"].endswith("the end")


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029", "\x9b"])
def test_event_with_a_line_separator_is_one_line(log_line, separator):
    formatter = next(iter(logging.getLogger().handlers)).formatter
    record = logging.LogRecord("a", logging.INFO, "", 0, f"á{separator}b", (), None)

    line = formatter.format(record)

    assert len(line.splitlines()) == 1
    assert separator not in line
    assert json.loads(line)["event"] == f"á{separator}b"


@pytest.mark.parametrize(
    ("logger", "level", "message", "is_kept"),
    [
        ("celery.worker.strategy", logging.INFO, "Task %(id)s received", False),
        ("django_structlog.celery.receivers", logging.INFO, {"task_id": "{id}"}, False),
        ("celery.app.trace", logging.ERROR, "Task %(id)s raised", True),
        ("django_structlog.middlewares.request", logging.INFO, {"path": "{id}"}, True),
    ],
)
def test_only_celerys_lines_about_canaries_are_dropped(logger, level, message, is_kept):
    task_id = f"{CANARY_ID_PREFIX}1"
    if isinstance(message, dict):
        message = {name: text.format(id=task_id) for name, text in message.items()}
    record = logging.LogRecord(logger, level, "", 0, message, ({"id": task_id},), None)

    assert DropCanaries().filter(record) == is_kept


@pytest.mark.parametrize(
    ("name", "status", "is_kept"),
    [("django.request", 503, False), ("django.request", 500, True), ("api", 503, True)],
)
def test_line_that_repeats_the_status_of_a_request_is_dropped(name, status, is_kept):
    record = logging.LogRecord(
        name, logging.ERROR, "", 0, "Service Unavailable", (), None
    )
    record.status_code = status

    assert DropRepeatedStatus().filter(record) is is_kept

import os
import time
from dataclasses import dataclass

import pytest
import structlog

from school import outage_log
from school.outage_log import OutageLog

DOWN, REFUSED = "down", "refused"


@dataclass
class Problem:
    kind: str
    reason: str = "It is down."
    remedy: str = "Start it."


class Server:
    """A server whose problem the test sets."""

    def __init__(self) -> None:
        self.problem: Problem | None = None
        self.checks = 0
        self.log = OutageLog(
            "redis",
            explain=lambda error: Problem(str(error)),
            diagnose=self.diagnose,
        )

    def ping(self) -> None:
        if self.problem:
            raise ConnectionError

    def diagnose(self) -> Problem | None:
        self.checks += 1
        return self.problem

    def fail(self, kind: str = DOWN) -> None:
        self.problem = Problem(kind)
        self.log.report(ValueError(kind))


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(outage_log, "CHECK_SECONDS", 0.02)
    monkeypatch.setattr(outage_log, "QUIET_SECONDS", 0.1)
    server = Server()
    yield server
    server.log.reset()


@pytest.fixture
def lines():
    with structlog.testing.capture_logs() as entries:
        yield entries


def wait_for(condition) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def events(lines) -> list[str]:
    return [line["event"] for line in lines]


def test_outage_is_logged_once_at_its_begin_and_once_at_its_end(server, lines):
    for _ in range(20):
        server.fail()
        time.sleep(0.01)
    server.problem = None
    wait_for(lambda: len(lines) > 1)
    time.sleep(0.2)

    assert events(lines) == ["redis_unavailable", "redis_available"]
    assert lines[0]["reason"] == "It is down."
    assert lines[0]["remedy"] == "Start it."
    assert [line["log_level"] for line in lines] == ["error", "warning"]


def test_next_outage_is_logged_again(server, lines):
    for count in (2, 4):
        server.fail()
        wait_for(lambda count=count: len(lines) == count - 1)
        server.problem = None
        wait_for(lambda count=count: len(lines) == count)

    assert events(lines) == ["redis_unavailable", "redis_available"] * 2


def test_outage_is_open_from_its_first_error_to_its_end(server, lines):
    assert not server.log.is_open
    server.fail()
    assert server.log.is_open
    server.problem = None
    wait_for(lambda: len(lines) == 2)

    assert not server.log.is_open


def test_outage_seconds_count_to_the_last_failure(server, lines):
    server.fail()
    time.sleep(0.5)
    server.problem = None
    wait_for(lambda: len(lines) == 2)

    assert lines[1]["outage_seconds"] in (0.4, 0.5, 0.6)


def test_each_later_reason_of_an_outage_is_logged_once(server, lines):
    for _ in range(3):
        for kind in (DOWN, REFUSED):
            server.fail(kind)
            time.sleep(0.06)

    assert events(lines) == ["redis_unavailable", "redis_still_unavailable"]


def test_state_of_the_server_is_logged_rather_than_the_error(server, lines):
    server.problem = Problem(DOWN, reason="The password is wrong.")
    server.log.report(ValueError("closed"))
    wait_for(lambda: lines)

    assert [line["reason"] for line in lines] == ["The password is wrong."]


@pytest.mark.parametrize("is_well_at_first", [True, False])
def test_watch_finds_a_problem_and_its_end_without_any_call(
    is_well_at_first, server, lines
):
    server.problem = None if is_well_at_first else Problem(DOWN)
    server.log.start_watch(lambda: server.ping)
    wait_for(lambda: server.checks)
    server.problem = Problem(DOWN)
    wait_for(lambda: lines)
    server.problem = None
    wait_for(lambda: len(lines) == 2)

    assert events(lines) == ["redis_unavailable", "redis_available"]


def test_watch_of_a_healthy_server_is_silent_and_checks_it_once(server, lines):
    server.log.start_watch(lambda: server.ping)
    wait_for(lambda: server.checks)
    time.sleep(0.1)

    assert (server.checks, lines) == (1, [])


def test_error_that_no_check_finds_is_logged_and_does_not_end_while_it_goes_on(
    server, lines
):
    for _ in range(20):
        server.log.report(ValueError(DOWN))
        time.sleep(0.02)

    assert events(lines) == ["redis_unavailable"]


def test_last_errors_of_an_outage_are_no_further_reason(server, lines):
    server.fail()
    wait_for(lambda: lines)
    server.problem = None
    for _ in range(10):
        server.log.report(ValueError("a leftover"))
        time.sleep(0.02)
    wait_for(lambda: len(lines) == 2)

    assert events(lines) == ["redis_unavailable", "redis_available"]


def test_forked_process_logs_its_own_outage(tmp_path):
    """The parent's thread is not in the child, and a lock may be held there for ever."""
    report = tmp_path / "report"
    from tasks.circuit_breaker import breaker

    with structlog.testing.capture_logs() as entries:
        breaker.report(ValueError("first"))
        wait_for(lambda: entries)
    if (child := os.fork()) == 0:
        with structlog.testing.capture_logs() as entries:
            breaker.report(ValueError("first"))
            wait_for(lambda: entries)
        report.write_text(",".join(events(entries)))
        os._exit(0)
    os.waitpid(child, 0)

    assert report.read_text() == "redis_unavailable"

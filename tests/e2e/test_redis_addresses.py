"""The whole service with each sort of address of Redis, and its logs while Redis is away."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from school.runtime.client import Client
from school.runtime.redis_diagnosis import CONNECTION_COMMANDS, TRIALS
from tests.support.redis_servers import (
    Certificates,
    SentinelGroup,
    start_server,
    tls_proxy,
)
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.deep("each sort of address starts the whole service"),
    pytest.mark.one_database("Redis does not depend on the database"),
    pytest.mark.timeout(300),
]
PASSWORD = "p@/s;+#"
REPORTS = [
    {"report": "class_performance", "parameters": {"class_id": 1}},
    {"report": "final_results", "parameters": {"school_id": 1, "year": 2026}},
]
PROCESSES = ("web", "worker-reports", "worker-bulk", "worker-default", "dispatcher")
COMMANDS = " ".join(f"+{name}" for name in (*CONNECTION_COMMANDS, *TRIALS))
DATABASE = "sqlite"


def use_tls(folder: Path, stack: ExitStack) -> dict[str, str]:
    port = stack.enter_context(start_server(folder, f'requirepass "{PASSWORD}"'))
    certificates = Certificates(folder / "certificates")
    tls_port = stack.enter_context(tls_proxy(port, certificates))
    return {
        "REDIS_URL": f"rediss://:{PASSWORD}@localhost:{tls_port}/2",
        "SSL_CERT_FILE": str(certificates.authority),
    }


def use_socket(folder: Path, stack: ExitStack) -> dict[str, str]:
    path = folder / "redis.sock"
    lines = [f'requirepass "{PASSWORD}"', f"unixsocket {path}"]
    stack.enter_context(start_server(folder, *lines))
    return {"REDIS_URL": f"redis+socket://:{PASSWORD}@{path}?virtual_host=2"}


def use_least_rights(folder: Path, stack: ExitStack) -> dict[str, str]:
    users = [f"user reports on >secret ~* &* -@all {COMMANDS}", "user default off"]
    port = stack.enter_context(
        start_server(folder, *users, "user admin on >secret ~* &* +@all")
    )
    stack.callback(check_denials, port)
    return {"REDIS_URL": f"redis://reports:secret@127.0.0.1:{port}/0"}


def check_denials(port: int) -> None:
    """Fail if the server has refused any command or key to the service."""
    with redis.Redis(port=port, username="admin", password="secret") as admin:
        denials = [entry["object"] for entry in admin.acl_log()]
    # redis-py names itself to the server, and goes on if it may not.
    assert set(denials) <= {"client|setinfo", "client|maint_notifications"}


def check_service(service: Stack) -> None:
    teacher = service.as_user("admin")
    for body in REPORTS:
        task = teacher.request_report(body)
        assert service.wait_until_final(teacher, task)["state"] == "succeeded"
    assert service.celery("inspect", "ping").count("pong") == 3
    assert task["task_id"] in service.celery("result", task["task_id"])
    for command in (["report"], ["inspect", "stats"], ["inspect", "conf"]):
        output = service.celery(*command)
        assert PASSWORD not in output
        assert "p%40" not in output


@pytest.mark.guarantee("One address of Redis serves every process and every client.")
@pytest.mark.parametrize("prepare", [use_tls, use_socket, use_least_rights])
def test_service_runs_with_this_address(prepare, tmp_path):
    with ExitStack() as stack:
        variables = prepare(tmp_path / "redis", stack)
        service = stack.enter_context(Stack(tmp_path / "stack", **variables))

        check_service(service)

        assert read_outages(service) == dict.fromkeys(PROCESSES, [])


@pytest.mark.guarantee("After a failover by Sentinel the service goes on.")
def test_service_goes_on_after_failover(tmp_path):
    with (
        SentinelGroup(tmp_path / "group", password="secret") as group,
        Stack(tmp_path / "stack", REDIS_URL=group.url(":secret@")) as service,
    ):
        check_service(service)
        admin = service.as_user("admin")
        open_tasks = [
            admin.request_report({**REPORTS[1], "format": format})
            for format in ("json", "csv", "xlsx", "pdf")
        ]

        group.fail_over()

        service.wait_until(lambda: Client(service.base_url).is_ready(), seconds=60)
        for task in open_tasks:
            final = service.wait_until_final(admin, task, 120)
            assert (final["state"], final["attempt"] <= 2) == ("succeeded", True)
        check_service(service)
        service.wait_until(
            lambda: all(
                lines[-1:] != ["redis_unavailable"]
                for lines in read_outages(service).values()
            )
        )


@pytest.mark.guarantee(
    "Every process logs the reason once when Redis becomes unavailable, and the end once."
)
def test_each_process_logs_begin_and_end_of_an_outage_once(tmp_path):
    with (
        start_server(tmp_path / "redis", "user lim on >lim ~* &* +@all") as port,
        redis.Redis(port=port) as admin,
        Stack(
            tmp_path / "stack", REDIS_URL=f"redis://lim:lim@127.0.0.1:{port}"
        ) as service,
    ):
        admin.acl_setuser("lim", enabled=False)
        admin.execute_command("CLIENT", "KILL", "USER", "lim")
        service.wait_until(lambda: all(read_outages(service).values()), seconds=60)
        for name in PROCESSES:
            [line] = read_lines(service, name)
            assert "does not accept the password of the user lim" in line["reason"]
            assert "Correct user and password in REDIS_URL" in line["remedy"]

        admin.acl_setuser("lim", enabled=True)
        expected = ["redis_unavailable", "redis_available"]
        service.wait_until(
            lambda: read_outages(service) == dict.fromkeys(PROCESSES, expected),
            seconds=60,
        )
        service.wait_until(lambda: Client(service.base_url).is_ready(), seconds=60)


@pytest.mark.guarantee("An outage of Redis leaves no traceback and no flood in a log.")
@pytest.mark.parametrize(
    "begin",
    [
        lambda admin: admin.shutdown(nosave=True),
        lambda admin: admin.replicaof("127.0.0.1", 1),
        lambda admin: admin.config_set("maxmemory", 1),
    ],
    ids=["killed", "replica", "full"],
)
def test_outage_of_redis_leaves_no_traceback_and_no_flood(tmp_path, begin):
    with (
        start_server(tmp_path / "redis") as port,
        redis.Redis(port=port) as admin,
        Stack(tmp_path / "stack", REDIS_URL=f"redis://127.0.0.1:{port}") as service,
    ):
        admin_user = service.as_user("admin")
        admin_user.request_report(REPORTS[0])
        logs = [service.supervisor.log_path(name) for name in PROCESSES]
        sizes = [log.stat().st_size for log in logs]

        begin(admin)
        admin_user.request_report(REPORTS[0])
        service.wait_until(lambda: all(read_outages(service).values()), seconds=60)
        time.sleep(15)  # as many attempts to connect as a flood would need

        for log, size in zip(logs, sizes, strict=True):
            text = log.read_text()[size:]
            assert "Traceback" not in text
            assert text.count("\n") < 30


def read_outages(service: Stack) -> dict[str, list[str]]:
    return {
        name: [line["event"] for line in read_lines(service, name)]
        for name in PROCESSES
    }


def read_lines(service: Stack, name: str) -> list[dict[str, str]]:
    return list(_outage_lines(service.supervisor.log_path(name)))


def _outage_lines(log: Path) -> Iterator[dict[str, str]]:
    for line in log.read_text().splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            if entry["event"] in ("redis_unavailable", "redis_available"):
                yield entry

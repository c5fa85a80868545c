"""Reports of every kind through the API and the real workers."""

import csv
import io
import json
import urllib.request
from decimal import ROUND_HALF_UP, Decimal

import pytest

from school.runtime.client import ServiceError
from tests.support.redis_monitor import monitor_commands
from tests.support.stack import Stack
from tests.tasks.reports.figures.expected import ALLOWED_ROLES, EXPECTED

pytestmark = pytest.mark.one_database("tests marked each_database cover both")
REPORT_REQUEST = {"report": "class_performance", "parameters": {"class_id": 1}}

GRADES_OF_CLASS = """
    SELECT j.name, g.term, g.tenths
    FROM school_grade g
    JOIN school_offering o ON o.id = g.offering_id
    JOIN school_subject j ON j.id = o.subject_id
    WHERE o.school_class_id = ? AND g.tenths IS NOT NULL
"""


@pytest.mark.each_database
def test_class_performance_has_correct_figures(stack: Stack):
    client = stack.as_user("teacher")

    task = client.request_report(REPORT_REQUEST)
    done = stack.wait_until_final(client, task)

    assert task["state"] in {"queued", "running"}
    assert (done["state"], done["task_id"]) == ("succeeded", task["task_id"])
    groups: dict = {}
    for subject, term, tenths in stack.query(GRADES_OF_CLASS, 1):
        groups.setdefault((subject, term), []).append(tenths)
    rows = done["result"]["data"]
    assert len(rows) == len(groups) == 40
    for row in rows:
        tenths = groups[row["subject"], row["term"]]
        mean = Decimal(sum(tenths)) / (10 * len(tenths))
        assert row["grades"] == len(tenths)
        assert row["mean"] == str(mean.quantize(Decimal("0.01"), ROUND_HALF_UP))


@pytest.mark.each_database
def test_report_card_is_downloaded_as_csv(stack: Stack):
    client = stack.as_user("secretary")
    body = {"report": "report_card", "parameters": {"class_id": 2}, "format": "csv"}
    done = stack.wait_until_final(client, client.request_report(body))

    file = io.BytesIO()
    client.download(done["result"]["url"], file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode())))

    assert len(rows) == done["result"]["rows"] > 200
    assert rows[0]["term_1"]


def test_progress_of_running_report_increases(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "slow", "parameters": {"seconds": 3}}
    task = client.request_report(body)

    percents = []

    def is_final():
        document = client.request("GET", task["links"]["self"])
        percents.append(document["progress"]["percent"] or 0)
        return document["poll_after_ms"] is None

    stack.wait_until(is_final)

    assert percents == sorted(percents)
    assert len(set(percents)) >= 5
    assert percents[-1] == 100


def test_cancel_of_running_report_leaves_no_file(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "slow", "parameters": {"seconds": 60}}
    task = client.request_report(body)
    stack.wait_until(
        lambda: client.request("GET", task["links"]["self"])["state"] == "running"
    )

    canceled = client.request("POST", task["links"]["cancel"])
    done = stack.wait_until_final(client, canceled, seconds=10)

    assert canceled["cancel_requested_at"]
    assert done["state"] == "canceled"
    artifacts = stack.folder / "artifacts"
    assert not list(artifacts.rglob(f"*{task['task_id']}*"))


@pytest.mark.parametrize(
    ("username", "role"),
    [
        ("admin", "administrator"),
        ("secretary", "staff"),
        ("teacher", "teacher"),
        ("guardian", "guardian"),
        ("stranger", None),  # class 1 belongs to another school
    ],
)
def test_each_role_gets_its_allowed_kinds(stack: Stack, username, role):
    client = stack.as_user(username)

    def outcome(kind):
        parameters = {"class_id": 1, **EXPECTED[kind].required_parameters}
        body = {"report": kind, "parameters": parameters}
        try:
            return stack.wait_until_final(client, client.request_report(body))["state"]
        except ServiceError as error:
            return str(error).split()[2]

    outcomes = {kind: outcome(kind) for kind in EXPECTED}

    kinds = {kind for kind, roles in ALLOWED_ROLES.items() if role in roles}
    assert {kind for kind, state in outcomes.items() if state == "succeeded"} == kinds
    assert set(outcomes.values()) <= {"succeeded", "400", "403"}


def test_poll_of_known_task_is_one_redis_command(stack: Stack):
    client = stack.as_user("teacher")
    done = stack.wait_until_final(client, client.request_report(REPORT_REQUEST))
    client.request("GET", done["links"]["self"])  # caches the access version
    key = f"celery-task-meta-{done['task_id']}"

    with monitor_commands(stack.valkey.url) as commands:
        client.request("GET", done["links"]["self"])

    task_commands = [command for command in commands if key in command]
    assert len(task_commands) == 1
    assert task_commands[0].startswith(f"MGET {key} access-version:")


def test_request_id_is_logged_by_the_worker(stack: Stack):
    client = stack.as_user("teacher")
    request = urllib.request.Request(
        stack.base_url + "/reports",
        data=json.dumps(REPORT_REQUEST).encode(),
        headers={
            "Authorization": f"Bearer {client.token}",
            "Content-Type": "application/json",
            "X-Request-ID": "from-the-client-42",
        },
    )
    with urllib.request.urlopen(request) as response:
        assert response.headers["X-Request-ID"] == "from-the-client-42"
        stack.wait_until_final(client, json.load(response))

    log = stack.supervisor.log_path("worker-reports").read_text()
    assert "from-the-client-42" in log

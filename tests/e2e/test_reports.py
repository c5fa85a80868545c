import csv
import io
import json
import os
import shutil
import subprocess
import urllib.request
from decimal import ROUND_HALF_UP, Decimal

import pytest

from school.runtime.client import ServiceError
from tests.support.contract import load_spec
from tests.support.redis_monitor import monitor_commands
from tests.support.stack import Stack

pytestmark = pytest.mark.one_database("the first report shows the way to the database")
REPORT_REQUEST = {"report": "class_performance", "parameters": {"class_id": 1}}

GRADES_OF_CLASS = """
    SELECT j.name, g.term, g.tenths
    FROM school_grade g
    JOIN school_offering o ON o.id = g.offering_id
    JOIN school_subject j ON j.id = o.subject_id
    WHERE o.school_class_id = ? AND g.tenths IS NOT NULL
"""


@pytest.mark.each_database
def test_report_asked_for_is_made_and_its_figures_are_right(stack: Stack):
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
def test_file_is_fetched_as_csv(stack: Stack):
    client = stack.as_user("secretary")
    body = {"report": "report_card", "parameters": {"class_id": 2}, "format": "csv"}
    done = stack.wait_until_final(client, client.request_report(body))

    file = io.BytesIO()
    client.download(done["result"]["url"], file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode())))

    assert len(rows) == done["result"]["rows"] > 200
    assert rows[0]["term_1"]


def test_progress_moves_while_the_report_runs(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "slow", "parameters": {"seconds": 3}}
    task = client.request_report(body)

    seen = []

    def is_final():
        document = client.request("GET", task["links"]["self"])
        seen.append(document["progress"]["percent"] or 0)
        return document["poll_after_ms"] is None

    stack.wait_until(is_final)

    assert seen == sorted(seen)
    assert len(set(seen)) >= 5
    assert seen[-1] == 100


def test_running_report_is_canceled_and_leaves_no_file(stack: Stack):
    client = stack.as_user("teacher")
    body = {"report": "slow", "parameters": {"seconds": 60}}
    task = client.request_report(body)
    stack.wait_until(
        lambda: client.request("GET", task["links"]["self"])["state"] == "running"
    )

    asked = client.request("POST", task["links"]["cancel"])
    done = stack.wait_until_final(client, asked, seconds=10)

    assert asked["cancel_requested_at"]
    assert done["state"] == "canceled"
    artifacts = stack.folder / "artifacts"
    assert not list(artifacts.rglob(f"*{task['task_id']}*"))


ALL_KINDS = {
    "at_risk_students",
    "attendance_summary",
    "class_performance",
    "data_export",
    "final_results",
    "report_card",
    "transcript",
}


@pytest.mark.parametrize(
    ("username", "kinds"),
    [
        ("admin", ALL_KINDS),
        ("secretary", ALL_KINDS),
        ("teacher", ALL_KINDS - {"transcript", "final_results", "data_export"}),
        ("guardian", {"report_card"}),
        ("stranger", set()),  # class 1 of the examples is not of their school
    ],
)
def test_everybody_asks_for_everything(stack: Stack, username, kinds):
    client = stack.as_user(username)

    def state_of(kind):
        more = {"table": "grades"} if kind == "data_export" else {}
        body = {"report": kind, "parameters": {"class_id": 1, **more}}
        try:
            return stack.wait_until_final(client, client.request_report(body))["state"]
        except ServiceError as refused:
            return str(refused).split()[2]

    states = {kind: state_of(kind) for kind in ALL_KINDS}

    assert {kind for kind, state in states.items() if state == "succeeded"} == kinds
    assert set(states.values()) <= {"succeeded", "400", "403"}


def test_one_poll_is_one_redis_command(stack: Stack):
    client = stack.as_user("teacher")
    done = stack.wait_until_final(client, client.request_report(REPORT_REQUEST))
    client.request("GET", done["links"]["self"])  # learns the stamp
    key = f"celery-task-meta-{done['task_id']}"

    with monitor_commands(stack.valkey.url) as commands:
        client.request("GET", done["links"]["self"])

    about_it = [command for command in commands if key in command]
    assert len(about_it) == 1
    assert about_it[0].startswith(f"MGET {key} stamp:")


@pytest.mark.skipif(not shutil.which("curl"), reason="the samples are curl's")
def test_samples_of_the_openapi_document_run(stack: Stack):
    spec = load_spec()
    client = stack.as_user("teacher")
    done = stack.wait_until_final(client, client.request_report(REPORT_REQUEST))
    pair = client.request(
        "POST", "/auth/token", {"username": "teacher", "password": "demo"}
    )
    variables = {
        "BASE": stack.base_url,
        "TOKEN": client.token,
        "TASK_ID": done["task_id"],
    }
    expected = {
        "cancel_task": 409, "create_report": 202, "delete_task": 204, "log_out": 204,
    }  # fmt: skip
    credentials = {"username": "teacher", "password": "demo"}

    operations = [op for path in spec["paths"].values() for op in path.values()]
    operations.sort(key=lambda op: op["operationId"] == "delete_task")  # the last
    for operation in operations:
        sample = operation["x-codeSamples"][0]["source"]
        if "$REFRESH" in sample:  # each may be used once
            pair = client.request("POST", "/auth/token", credentials)
            variables["REFRESH"] = pair["refresh"]
        answer = subprocess.run(
            ["bash", "-c", sample + ' -o /dev/null -w "%{http_code}"'],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=True,
        )
        name = operation["operationId"]
        assert int(answer.stdout) == expected.get(name, 200), name


def test_request_id_reaches_the_worker_s_log(stack: Stack):
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
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["X-Request-ID"] == "from-the-client-42"
        stack.wait_until_final(client, json.load(answer))

    log = stack.supervisor.log_path("worker-reports").read_text()
    assert "from-the-client-42" in log

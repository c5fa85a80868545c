"""The whole service behind PgBouncer in transaction mode, with its default settings."""

import json
from datetime import UTC, datetime

import pytest

from tests.support import pgbouncer
from tests.support.environment import DATABASE
from tests.support.stack import Stack, create_database

pytestmark = [
    pytest.mark.skipif(DATABASE != "postgresql", reason="needs PostgreSQL"),
    pytest.mark.skipif(pgbouncer.BINARY is None, reason=pgbouncer.MISSING),
    pytest.mark.deep("it starts a service and makes reports of every format"),
]
REQUESTS = [
    {"report": kind, "parameters": parameters, "format": format}
    for kind, parameters in (
        ("class_performance", {"class_id": 1}),
        ("report_card", {"class_id": 1}),
        ("attendance_summary", {"year": 2025}),
        ("final_results", {"year": 2025}),
        ("transcript", {"year": 2025}),
        ("data_export", {"table": "grades"}),
    )
    for format in ("json", "csv", "xlsx", "pdf")
]


@pytest.mark.guarantee("The service works behind PgBouncer in transaction mode.")
def test_reports_of_all_kinds_are_made_behind_pgbouncer(tmp_path):
    with (
        pgbouncer.start_pgbouncer(create_database(), "transaction") as url,
        Stack(tmp_path, url) as stack,
    ):
        # Before, `/readyz` is asked until it is 200, and each 503 is a line of the log.
        ready_at = datetime.now(UTC)
        admin = stack.as_user("admin")
        catalogue = {
            r["report"]: {one["format"] for one in r["formats"]}
            for r in admin.request("GET", "/reports")["results"]
        }
        requests = [r for r in REQUESTS if r["format"] in catalogue[r["report"]]]
        tasks = [admin.request("POST", "/reports", r) for r in requests]
        states = {stack.wait_until_final(admin, task, 120)["state"] for task in tasks}
        errors = [
            line
            for name in stack.supervisor.processes
            for text in stack.supervisor.log_path(name).read_text().splitlines()
            if text.startswith("{")
            and (line := json.loads(text))["level"] == "error"
            and datetime.fromisoformat(line["timestamp"]) >= ready_at
        ]

    assert len(requests) > 15
    assert states == {"succeeded"}
    assert errors == []

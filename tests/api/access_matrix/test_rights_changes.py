"""Rights that change between request, run and read of a report, for every action."""

import json
import time
import uuid

import pytest

from school.models import Attachment, User
from tasks import artifacts, redis_store
from tasks.models import AccessLogEntry, Task
from tasks.worker import tasks
from tasks.worker.tasks import generate_report
from tests.api.access_matrix.actions import (
    REPORT_CARD_REQUEST,
    TASK_ACTIONS,
    TASK_ROUTE,
    Action,
    comparable_response,
    outcome_of,
    parse_table,
)
from tests.api.access_matrix.rights_changes import restore_rights
from tests.support.contract import ContractClient

pytestmark = pytest.mark.django_db

OWNERS = ["superuser", "administrator", "secretary", "teacher", "guardian"]

OUTCOMES_AFTER_CHANGE = parse_table("""
                   poll wait poll_head poll_etag list result result_head result_range link rerun use_link replay
role_changed       none none none      none      no   none   none        none         none none  none     none
role_and_school    none none none      none      no   none   none        none         none none  none     none
detached           none none none      none      no   none   none        none         none none  none     none
disabled           out  out  out       out       out  out    out         out          out  out   void     out
role_and_back      yes  yes  yes       same      yes  yes    yes         part         yes  again yes      again
attached_again     yes  yes  yes       same      yes  yes    yes         part         yes  again yes      again
enabled_again      yes  yes  yes       same      yes  yes    yes         part         yes  again void     again
attached_elsewhere yes  yes  yes       same      yes  yes    yes         part         yes  again yes      again
detached_elsewhere yes  yes  yes       same      yes  yes    yes         part         yes  again yes      again
""")  # fmt: skip
"""Outcome of each action on a succeeded task, and of a link created before the change.

After a change that ends the sessions, the actions of a new session.
"""
OUTCOMES_OF_ENDED_SESSION = OUTCOMES_AFTER_CHANGE["disabled"]
SESSION_ENDING_CHANGES = {"disabled", "enabled_again"}

OUTCOME_CODES = {
    "none": {"not_found", "404"},
    "out": {"token_not_valid", "401"},
    "void": {"link_not_valid"},
    "yes": {"200"},
    "same": {"304"},
    "part": {"206"},
    "again": {"202"},
    "no": {"no"},
}
REVOKING_CHANGES = [
    change for change, row in OUTCOMES_AFTER_CHANGE.items() if row["poll"] != "yes"
]
HARMLESS_CHANGES = [
    change for change in OUTCOMES_AFTER_CHANGE if change not in REVOKING_CHANGES
]
OWNER_WITH_ALL_CHANGES = "teacher"
"""The other owners are tested with `CHANGES_FOR_ALL_OWNERS` only."""
CHANGES_FOR_ALL_OWNERS = {"detached", "attached_again"}


def owner_change_pairs(changes):
    """Return every pair of owner and change; pairs not run by `make test` are marked deep."""
    deep = pytest.mark.deep("another owner's rights change in the same way")
    return [
        pytest.param(
            owner,
            change,
            marks=[]
            if owner == OWNER_WITH_ALL_CHANGES or change in CHANGES_FOR_ALL_OWNERS
            else [deep],
        )
        for owner in OWNERS
        for change in changes
    ]


class RequestedReport:
    """A report card that its owner requested, and perhaps read, before rights changed."""

    def __init__(self, client):
        self.original_client = client
        self.id = uuid.UUID(self._submit(client).json()["task_id"])
        self.etag, self.link = "*", "/"

    def run(self):
        generate_report(str(self.id))

    def poll_and_link(self):
        """Poll the task, which caches it in Redis for this viewer, and create a signed link."""
        self.etag = self.original_client.get(f"/tasks/{self.id}")["ETag"]
        self.link = self.original_client.post_json(
            f"/tasks/{self.id}/result/link"
        ).json()["url"]

    def read_responses(self, client):
        """Return the response to each action that reads the task."""
        responses_by_action = {
            name: action.send(client, self.id, self.etag)
            for name, action in TASK_ACTIONS.items()
            if name not in {"cancel", "delete"}
        }
        return {
            **responses_by_action,
            "use_link": ContractClient().get(self.link),
            "replay": self._submit(client),
        }

    def list_outcome(self, client):
        page = client.get("/tasks")
        if page.status_code == 200:
            is_present = str(self.id) in page.getvalue().decode()
            return "200" if is_present else "no"
        return outcome_of(page)

    def _submit(self, client):
        return client.post(
            "/reports",
            REPORT_CARD_REQUEST,
            content_type="application/json",
            headers={"Idempotency-Key": "one"},
        )


def collect_outcomes(report, client):
    outcomes = {
        name: outcome_of(answer)
        for name, answer in report.read_responses(client).items()
    }
    return {**outcomes, "list": report.list_outcome(client)}


def assert_outcomes(outcomes, expected):
    unexpected = {
        name: outcomes[name]
        for name, cell in expected.items()
        if outcomes[name] not in OUTCOME_CODES[cell]
    }
    assert not unexpected


def test_outcome_table_is_complete():
    actions = {*TASK_ACTIONS, "use_link", "replay", "list"} - {"cancel", "delete"}

    assert all(set(row) == actions for row in OUTCOMES_AFTER_CHANGE.values())
    assert set(REVOKING_CHANGES) | set(HARMLESS_CHANGES) == set(OUTCOMES_AFTER_CHANGE)


@pytest.mark.guarantee("Removing a right blocks every way to read a result at once.")
@pytest.mark.guarantee("A task is not listed after its requester lost the right.")
@pytest.mark.guarantee("A signed link stops working when its creator loses the right.")
@pytest.mark.parametrize(("owner", "change"), owner_change_pairs(OUTCOMES_AFTER_CHANGE))
def test_rights_change_after_run_decides_every_read(
    users, clients, change_rights, owner, change
):
    report = RequestedReport(clients[owner])
    report.run()
    report.poll_and_link()

    change_rights(change, owner)

    row = original_row = OUTCOMES_AFTER_CHANGE[change]
    if change in SESSION_ENDING_CHANGES:
        original_row = OUTCOMES_OF_ENDED_SESSION
    new_client = ContractClient.for_user(users[owner])
    assert_outcomes(collect_outcomes(report, report.original_client), original_row)
    assert_outcomes(collect_outcomes(report, new_client), row)
    redis_store.client().flushdb()
    redis_store.advance_epoch(0)
    assert_outcomes(collect_outcomes(report, report.original_client), original_row)
    assert_outcomes(collect_outcomes(report, new_client), row)
    client = ContractClient.for_user(users[owner])
    write_outcomes = [
        outcome_of(TASK_ACTIONS[name].send(client, report.id))
        for name in ("cancel", "delete")
    ]
    denial = {"none": ["not_found"] * 2, "out": ["token_not_valid"] * 2}
    assert write_outcomes == denial.get(
        OUTCOMES_AFTER_CHANGE[change]["poll"], ["task_finished", "204"]
    )
    assert Task.objects.filter(pk=report.id).exists() == (change in REVOKING_CHANGES)


@pytest.mark.guarantee("Removing a right blocks every way to read a result at once.")
@pytest.mark.parametrize(("owner", "change"), owner_change_pairs(REVOKING_CHANGES))
def test_task_after_revoking_change_equals_missing_task(
    users, clients, change_rights, owner, change
):
    report, missing_id = RequestedReport(clients[owner]), uuid.uuid4()
    report.run()
    report.poll_and_link()
    downloads = AccessLogEntry.objects.filter(action="downloaded").count()

    change_rights(change, owner)

    for name, action in TASK_ACTIONS.items():
        response = action.send(clients[owner], report.id, report.etag)
        response_to_missing = action.send(clients[owner], missing_id, report.etag)
        assert comparable_response(response, report.id) == comparable_response(
            response_to_missing, missing_id
        ), name
    assert AccessLogEntry.objects.filter(action="downloaded").count() == downloads


@pytest.mark.guarantee(
    "A report is not built if its requester lost the right before it ran."
)
@pytest.mark.parametrize(("owner", "change"), owner_change_pairs(REVOKING_CHANGES))
def test_rights_change_before_run_prevents_the_report(
    users, clients, change_rights, owner, change
):
    report = RequestedReport(clients[owner])
    user = users[owner]
    attachment = Attachment.objects.filter(user=user).order_by("pk").first()
    row = {
        name: cell
        for name, cell in OUTCOMES_AFTER_CHANGE[change].items()
        if name != "use_link"
    }

    change_rights(change, owner)
    assert_outcomes(collect_outcomes(report, report.original_client), row)
    report.run()
    assert_outcomes(collect_outcomes(report, report.original_client), row)

    # A user who gets the right back sees that the task failed, but no result.
    restore_rights(User.objects.get(pk=user.pk), user.role, attachment)
    document = ContractClient.for_user(user).get(f"/tasks/{report.id}").json()
    assert (document["state"], document["error"]["code"]) == ("failed", "forbidden")
    assert document["result"] is None
    assert not list(
        artifacts.Path(artifacts.settings.ARTIFACTS_DIR).rglob(f"*{report.id}*")
    )


@pytest.mark.parametrize(("owner", "change"), owner_change_pairs(HARMLESS_CHANGES))
def test_harmless_change_before_run_keeps_the_report(
    users, clients, change_rights, owner, change
):
    report = RequestedReport(clients[owner])

    change_rights(change, owner)
    report.run()

    client = ContractClient.for_user(users[owner])
    result = TASK_ACTIONS["result"].send(client, report.id)
    rows = json.loads(result.getvalue())
    assert (outcome_of(result), {row["class"] for row in rows}) == (
        "200",
        {"1º ano, turma 1"},
    )


@pytest.mark.guarantee("Removing a right blocks every way to read a result at once.")
@pytest.mark.parametrize("change", REVOKING_CHANGES)
def test_rights_change_during_run_hides_the_result(
    clients, change_rights, change, monkeypatch
):
    report, build_report = RequestedReport(clients["teacher"]), tasks.build_report

    def build_and_change_rights(*args):
        built = build_report(*args)
        change_rights(change, "teacher")
        return built

    monkeypatch.setattr(tasks, "build_report", build_and_change_rights)
    report.run()

    row = {
        name: cell
        for name, cell in OUTCOMES_AFTER_CHANGE[change].items()
        if name != "use_link"
    }
    assert_outcomes(collect_outcomes(report, report.original_client), row)
    assert Task.objects.get(pk=report.id).state == "succeeded"


@pytest.mark.guarantee(
    "Idempotency keys and equal requests are never shared between requesters."
)
def test_equal_request_after_narrowed_scope_is_not_joined(
    clients, change_rights, users
):
    body = {"report": "class_performance", "parameters": {"year": 2026}}
    first = clients["teacher"].post_json("/reports", body).json()["task_id"]
    assert clients["teacher"].post_json("/reports", body).json()["task_id"] == first

    change_rights("detached", "teacher")

    assert clients["teacher"].post_json("/reports", body).json()["task_id"] != first


WAITS = {
    "list": Action("GET", "tasks", "wait=20", {"If-None-Match": "{etag}"}),
    "poll": Action("GET", TASK_ROUTE, "wait=20"),
    "rerun": Action("POST", f"{TASK_ROUTE}/rerun", "wait=20"),
}


@pytest.mark.guarantee("A wait ends when its viewer loses the right.")
@pytest.mark.parametrize("change", REVOKING_CHANGES)
@pytest.mark.parametrize("wait", WAITS)
def test_rights_change_during_a_wait_ends_it(
    clients, change_rights, during_wait, wait, change
):
    client, changes = clients["teacher"], [change]
    report = RequestedReport(client)
    etag = client.get("/tasks")["ETag"]
    during_wait(lambda: changes and change_rights(changes.pop(), "teacher"))
    started_at = time.monotonic()

    answer = WAITS[wait].send(client, report.id, etag)

    assert time.monotonic() - started_at < 10
    assert str(report.id) not in answer.getvalue().decode().replace(
        f"/tasks/{report.id}", ""
    )
    expected = OUTCOME_CODES[OUTCOMES_AFTER_CHANGE[change]["wait"]]
    assert outcome_of(answer) in ({"200"} | expected if wait == "list" else expected)

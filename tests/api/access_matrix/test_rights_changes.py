"""Rights that change between asking, making and reading: everything that can be done then."""

import json
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
    comparable_response,
    outcome_of,
    parse_table,
)
from tests.api.access_matrix.rights_changes import restore_rights
from tests.support.contract import ContractClient

pytestmark = pytest.mark.django_db

OWNERS = ["superuser", "administrator", "secretary", "teacher", "guardian"]

OUTCOMES_AFTER_CHANGE = parse_table("""
                    poll wait peek known listed result head part link used replay
role_changed        none none none none  no     none   none none none none none
role_and_school     none none none none  no     none   none none none none none
detached            none none none none  no     none   none none none none none
disabled            out  out  out  out   out    out    out  out  out  void out
role_and_back       yes  yes  yes  same  yes    yes    yes  part yes  yes  again
attached_again      yes  yes  yes  same  yes    yes    yes  part yes  yes  again
enabled_again       yes  yes  yes  same  yes    yes    yes  part yes  yes  again
attached_elsewhere  yes  yes  yes  same  yes    yes    yes  part yes  yes  again
detached_elsewhere  yes  yes  yes  same  yes    yes    yes  part yes  yes  again
""")  # fmt: skip
"""What is told of a task that succeeded, and by a link to its result that was made before."""

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
FULL = "teacher"
"""Whose rights change in every way; those of the other owners change in the ways of `SOME`."""
SOME = {"detached", "attached_again"}


def each_owner(changes):
    """Every owner with every change; what is left out of `make test` is deep."""
    deep = pytest.mark.deep("another owner's rights change in the same way")
    return [
        pytest.param(owner, how, marks=[] if owner == FULL or how in SOME else [deep])
        for owner in OWNERS
        for how in changes
    ]


class RequestedReport:
    """A card that its owner has asked for, and perhaps read, before anything changed."""

    def __init__(self, client):
        self.original_client = client
        self.id = uuid.UUID(self._submit(client).json()["task_id"])
        self.etag, self.link = "*", "/"

    def run(self):
        generate_report(str(self.id))

    def poll_and_link(self):
        """Poll it, which puts it into Redis for this viewer, and make a link."""
        self.etag = self.original_client.get(f"/tasks/{self.id}")["ETag"]
        self.link = self.original_client.post_json(
            f"/tasks/{self.id}/result/link"
        ).json()["url"]

    def responses(self, client):
        """What reading it in each way is answered with."""
        responses_by_action = {
            name: action.send(client, self.id, self.etag)
            for name, action in TASK_ACTIONS.items()
            if name not in {"cancel", "delete"}
        }
        return {
            **responses_by_action,
            "used": ContractClient().get(self.link),
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


def collect_outcomes(task, client):
    outcomes = {
        name: outcome_of(answer) for name, answer in task.responses(client).items()
    }
    return {**outcomes, "listed": task.list_outcome(client)}


def assert_outcomes(outcomes, expected):
    unexpected = {
        name: outcomes[name]
        for name, cell in expected.items()
        if outcomes[name] not in OUTCOME_CODES[cell]
    }
    assert not unexpected


def test_table_is_whole():
    ways = {*TASK_ACTIONS, "used", "replay", "listed"} - {"cancel", "delete"}

    assert all(set(row) == ways for row in OUTCOMES_AFTER_CHANGE.values())
    assert set(REVOKING_CHANGES) | set(HARMLESS_CHANGES) == set(OUTCOMES_AFTER_CHANGE)


@pytest.mark.guarantee(
    "A right that is taken away closes every way to read a result at once."
)
@pytest.mark.guarantee("A task whose right was lost is not listed.")
@pytest.mark.guarantee("A link ends with the rights of its maker.")
@pytest.mark.parametrize(("owner", "how"), each_owner(OUTCOMES_AFTER_CHANGE))
def test_change_between_making_and_reading(users, clients, change_rights, owner, how):
    task = RequestedReport(clients[owner])
    task.run()
    task.poll_and_link()

    change_rights(how, owner)

    for client in (task.original_client, ContractClient.for_user(users[owner])):
        assert_outcomes(collect_outcomes(task, client), OUTCOMES_AFTER_CHANGE[how])
    redis_store.client().flushdb()
    redis_store.advance_epoch(0)
    assert_outcomes(
        collect_outcomes(task, task.original_client), OUTCOMES_AFTER_CHANGE[how]
    )
    last = ContractClient.for_user(users[owner])
    ends = [
        outcome_of(TASK_ACTIONS[name].send(last, task.id))
        for name in ("cancel", "delete")
    ]
    denial = {"none": ["not_found"] * 2, "out": ["token_not_valid"] * 2}
    assert ends == denial.get(
        OUTCOMES_AFTER_CHANGE[how]["poll"], ["task_finished", "204"]
    )
    assert Task.objects.filter(pk=task.id).exists() == (how in REVOKING_CHANGES)


@pytest.mark.guarantee(
    "A right that is taken away closes every way to read a result at once."
)
@pytest.mark.parametrize(("owner", "how"), each_owner(REVOKING_CHANGES))
def test_what_is_lost_reads_like_what_is_not_there(
    users, clients, change_rights, owner, how
):
    task, none = RequestedReport(clients[owner]), uuid.uuid4()
    task.run()
    task.poll_and_link()
    downloads = AccessLogEntry.objects.filter(action="downloaded").count()

    change_rights(how, owner)

    for name, action in TASK_ACTIONS.items():
        lost = action.send(clients[owner], task.id, task.etag)
        of_none = action.send(clients[owner], none, task.etag)
        assert comparable_response(lost, task.id) == comparable_response(
            of_none, none
        ), name
    assert AccessLogEntry.objects.filter(action="downloaded").count() == downloads


@pytest.mark.guarantee("A report whose right is lost before it is made is not made.")
@pytest.mark.parametrize(("owner", "how"), each_owner(REVOKING_CHANGES))
def test_change_between_asking_and_making(users, clients, change_rights, owner, how):
    task = RequestedReport(clients[owner])
    user = users[owner]
    held = Attachment.objects.filter(user=user).order_by("pk").first()
    row = {
        name: cell
        for name, cell in OUTCOMES_AFTER_CHANGE[how].items()
        if name != "used"
    }

    change_rights(how, owner)
    assert_outcomes(collect_outcomes(task, task.original_client), row)
    task.run()
    assert_outcomes(collect_outcomes(task, task.original_client), row)

    # Who gets the right back is told what became of it, and no more.
    restore_rights(User.objects.get(pk=user.pk), user.role, held)
    document = ContractClient.for_user(user).get(f"/tasks/{task.id}").json()
    assert (document["state"], document["error"]["code"]) == ("failed", "forbidden")
    assert document["result"] is None
    assert not list(
        artifacts.Path(artifacts.settings.ARTIFACTS_DIR).rglob(f"*{task.id}*")
    )


@pytest.mark.parametrize(("owner", "how"), each_owner(HARMLESS_CHANGES))
def test_right_that_is_held_again_is_enough_to_have_it_made(
    clients, change_rights, owner, how
):
    task = RequestedReport(clients[owner])

    change_rights(how, owner)
    task.run()

    result = TASK_ACTIONS["result"].send(clients[owner], task.id)
    rows = json.loads(result.getvalue())
    assert (outcome_of(result), {row["class"] for row in rows}) == (
        "200",
        {"1º ano, turma 1"},
    )


@pytest.mark.guarantee(
    "A right that is taken away closes every way to read a result at once."
)
@pytest.mark.parametrize("how", REVOKING_CHANGES)
def test_right_lost_while_it_is_made_shows_nothing(
    clients, change_rights, how, monkeypatch
):
    task, produce = RequestedReport(clients["teacher"]), tasks.build_report

    def lose_then_settle(*given):
        product = produce(*given)
        change_rights(how, "teacher")
        return product

    monkeypatch.setattr(tasks, "build_report", lose_then_settle)
    task.run()

    row = {
        name: cell
        for name, cell in OUTCOMES_AFTER_CHANGE[how].items()
        if name != "used"
    }
    assert_outcomes(collect_outcomes(task, task.original_client), row)
    assert Task.objects.get(pk=task.id).state == "succeeded"


@pytest.mark.guarantee(
    "Idempotency keys and equal requests are never shared between requesters."
)
def test_less_to_see_is_another_request(clients, change_rights, users):
    body = {"report": "class_performance", "parameters": {"year": 2026}}
    first = clients["teacher"].post_json("/reports", body).json()["task_id"]
    assert clients["teacher"].post_json("/reports", body).json()["task_id"] == first

    change_rights("detached", "teacher")

    assert clients["teacher"].post_json("/reports", body).json()["task_id"] != first

"""Rights that change between asking, making and reading: everything that can be done then."""

import json
import uuid

import pytest

from school.models import Attachment, User
from tasks import artifacts, redis_store
from tasks.models import AccessLogEntry, Task
from tasks.worker import tasks
from tasks.worker.tasks import generate_report
from tests.api.access_matrix.actions import CARD, ON_TASK, all_of, table, told
from tests.api.access_matrix.rights_changes import give_back
from tests.support.contract import ContractClient

pytestmark = pytest.mark.django_db

OWNERS = ["superuser", "administrator", "secretary", "teacher", "guardian"]

AFTER = table("""
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

MEANS = {
    "none": {"not_found", "404"},
    "out": {"token_not_valid", "401"},
    "void": {"link_not_valid"},
    "yes": {"200"},
    "same": {"304"},
    "part": {"206"},
    "again": {"202"},
    "no": {"no"},
}
LOST = [change for change, row in AFTER.items() if row["poll"] != "yes"]
KEPT = [change for change in AFTER if change not in LOST]
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


class Asked:
    """A card that its owner has asked for, and perhaps read, before anything changed."""

    def __init__(self, client):
        self.before = client
        self.id = uuid.UUID(self._ask(client).json()["task_id"])
        self.etag, self.link = "*", "/"

    def make(self):
        generate_report(str(self.id))

    def read(self):
        """Poll it, which puts it into Redis for this viewer, and make a link."""
        self.etag = self.before.get(f"/tasks/{self.id}")["ETag"]
        self.link = self.before.post_json(f"/tasks/{self.id}/result/link").json()["url"]

    def answers(self, client):
        """What reading it in each way is answered with."""
        reading = {
            name: action.by(client, self.id, self.etag)
            for name, action in ON_TASK.items()
            if name not in {"cancel", "delete"}
        }
        return {
            **reading,
            "used": ContractClient().get(self.link),
            "replay": self._ask(client),
        }

    def listed(self, client):
        page = client.get("/tasks")
        if page.status_code == 200:
            is_there = str(self.id) in page.getvalue().decode()
            return "200" if is_there else "no"
        return told(page)

    def _ask(self, client):
        return client.post(
            "/reports",
            CARD,
            content_type="application/json",
            headers={"Idempotency-Key": "one"},
        )


def outcomes(task, client):
    found = {name: told(answer) for name, answer in task.answers(client).items()}
    return {**found, "listed": task.listed(client)}


def is_as(found, row):
    wrong = {
        name: found[name]
        for name, cell in row.items()
        if found[name] not in MEANS[cell]
    }
    assert not wrong


def test_table_is_whole():
    ways = {*ON_TASK, "used", "replay", "listed"} - {"cancel", "delete"}

    assert all(set(row) == ways for row in AFTER.values())
    assert set(LOST) | set(KEPT) == set(AFTER)


@pytest.mark.guarantee(
    "A right that is taken away closes every way to read a result at once."
)
@pytest.mark.guarantee("A task whose right was lost is not listed.")
@pytest.mark.guarantee("A link ends with the rights of its maker.")
@pytest.mark.parametrize(("owner", "how"), each_owner(AFTER))
def test_change_between_making_and_reading(people, clients, happen, owner, how):
    task = Asked(clients[owner])
    task.make()
    task.read()

    happen(how, owner)

    for client in (task.before, ContractClient.of(people[owner])):
        is_as(outcomes(task, client), AFTER[how])
    redis_store.client().flushdb()
    redis_store.advance_epoch(0)
    is_as(outcomes(task, task.before), AFTER[how])
    last = ContractClient.of(people[owner])
    ends = [told(ON_TASK[name].by(last, task.id)) for name in ("cancel", "delete")]
    denial = {"none": ["not_found"] * 2, "out": ["token_not_valid"] * 2}
    assert ends == denial.get(AFTER[how]["poll"], ["task_finished", "204"])
    assert Task.objects.filter(pk=task.id).exists() == (how in LOST)


@pytest.mark.guarantee(
    "A right that is taken away closes every way to read a result at once."
)
@pytest.mark.parametrize(("owner", "how"), each_owner(LOST))
def test_what_is_lost_reads_like_what_is_not_there(people, clients, happen, owner, how):
    task, none = Asked(clients[owner]), uuid.uuid4()
    task.make()
    task.read()
    downloads = AccessLogEntry.objects.filter(action="downloaded").count()

    happen(how, owner)

    for name, action in ON_TASK.items():
        lost = action.by(clients[owner], task.id, task.etag)
        of_none = action.by(clients[owner], none, task.etag)
        assert all_of(lost, task.id) == all_of(of_none, none), name
    assert AccessLogEntry.objects.filter(action="downloaded").count() == downloads


@pytest.mark.guarantee("A report whose right is lost before it is made is not made.")
@pytest.mark.parametrize(("owner", "how"), each_owner(LOST))
def test_change_between_asking_and_making(people, clients, happen, owner, how):
    task = Asked(clients[owner])
    user = people[owner]
    held = Attachment.objects.filter(user=user).order_by("pk").first()
    row = {name: cell for name, cell in AFTER[how].items() if name != "used"}

    happen(how, owner)
    is_as(outcomes(task, task.before), row)
    task.make()
    is_as(outcomes(task, task.before), row)

    # Who gets the right back is told what became of it, and no more.
    give_back(User.objects.get(pk=user.pk), user.role, held)
    document = ContractClient.of(user).get(f"/tasks/{task.id}").json()
    assert (document["state"], document["error"]["code"]) == ("failed", "forbidden")
    assert document["result"] is None
    assert not list(
        artifacts.Path(artifacts.settings.ARTIFACTS_DIR).rglob(f"*{task.id}*")
    )


@pytest.mark.parametrize(("owner", "how"), each_owner(KEPT))
def test_right_that_is_held_again_is_enough_to_have_it_made(
    clients, happen, owner, how
):
    task = Asked(clients[owner])

    happen(how, owner)
    task.make()

    result = ON_TASK["result"].by(clients[owner], task.id)
    rows = json.loads(result.getvalue())
    assert (told(result), {row["class"] for row in rows}) == (
        "200",
        {"1º ano, turma 1"},
    )


@pytest.mark.guarantee(
    "A right that is taken away closes every way to read a result at once."
)
@pytest.mark.parametrize("how", LOST)
def test_right_lost_while_it_is_made_shows_nothing(clients, happen, how, monkeypatch):
    task, produce = Asked(clients["teacher"]), tasks.build_report

    def lose_then_settle(*given):
        product = produce(*given)
        happen(how, "teacher")
        return product

    monkeypatch.setattr(tasks, "build_report", lose_then_settle)
    task.make()

    row = {name: cell for name, cell in AFTER[how].items() if name != "used"}
    is_as(outcomes(task, task.before), row)
    assert Task.objects.get(pk=task.id).state == "succeeded"


@pytest.mark.guarantee(
    "Idempotency keys and equal requests are never shared between requesters."
)
def test_less_to_see_is_another_request(clients, happen, people):
    body = {"report": "class_performance", "parameters": {"year": 2026}}
    first = clients["teacher"].post_json("/reports", body).json()["task_id"]
    assert clients["teacher"].post_json("/reports", body).json()["task_id"] == first

    happen("detached", "teacher")

    assert clients["teacher"].post_json("/reports", body).json()["task_id"] != first

"""Everybody, everything that can be done with a task, and a task in each state."""

import uuid
from typing import Any

import pytest

from tasks.models import AccessLogEntry, Task
from tests.api.access_matrix.actions import CARD, ON_TASK, all_of, table, told
from tests.support.contract import ContractClient
from tests.support.task_factories import STATES, brought_to

pytestmark = pytest.mark.django_db

OWN = table("""
          poll   peek wait   known  result         head part           link           cancel   delete
queued    200    200  200    304    no_result      409  no_result      no_result      202      task_not_finished
running   200    200  200    304    no_result      409  no_result      no_result      202      task_not_finished
succeeded 200    200  200    304    200            200  206            200            task_finished 204
failed    200    200  200    304    no_result      409  no_result      no_result      task_finished 204
canceled  200    200  200    304    no_result      409  no_result      no_result      202      204
expired   200    200  200    304    result_expired 410  result_expired result_expired task_finished 204
purged    purged 410  purged purged purged         410  purged         purged         purged   purged
""")  # fmt: skip

OTHERS = {
    **dict.fromkeys(["superuser", "administrator", "secretary"], ("not_found", 404)),
    **dict.fromkeys(["colleague", "teacher", "guardian"], ("not_found", 404)),
    **dict.fromkeys(["stranger", "neighbour"], ("not_found", 404)),
    **dict.fromkeys(["disabled", "deleted", "forger"], ("token_not_valid", 401)),
    "anonymous": ("not_authenticated", 401),
}
"""What each is told of another's task, whatever its state: the code, or for HEAD the status."""

OWNERS = ["superuser", "administrator", "secretary", "teacher", "guardian"]
FOREIGN = [("teacher", "succeeded"), ("teacher", "purged")] + [
    pytest.param(owner, state, marks=pytest.mark.deep_on_postgresql("as of a teacher"))
    for owner, state in (
        *(
            ("teacher", state)
            for state in STATES
            if state not in {"succeeded", "purged"}
        ),
        *((owner, "succeeded") for owner in OWNERS if owner != "teacher"),
    )
]
WRITING = ["cancel", "delete"]
READING = [name for name in ON_TASK if name not in WRITING]


def etag_of(client, task):
    return client.get(f"/tasks/{task.pk}").get("ETag", 'W/"none"')


def card(state, owner):
    return brought_to(state, owner, CARD["parameters"], kind=CARD["report"])


def test_tables_are_whole():
    assert list(OWN) == STATES
    assert {tuple(row) for row in OWN.values()} == {tuple(ON_TASK)}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("owner", OWNERS)
def test_own_task(people, clients, owner, state):
    people[owner].revise()  # since the client's token was given
    task = card(state, people[owner])
    etag = etag_of(clients[owner], task)

    def found_by(client, names):
        return {name: told(ON_TASK[name].by(client, task.pk, etag)) for name in names}

    by_old_token = found_by(clients[owner], READING)
    # What changes something comes last, and what changes nothing in this state before.
    last = WRITING if state not in {"queued", "running"} else WRITING[::-1]
    found = found_by(ContractClient.of(people[owner]), [*READING, *last])

    assert found == OWN[state]
    assert by_old_token.items() <= found.items()


@pytest.fixture(scope="module")
def known() -> dict[tuple[str, str], Any]:
    """What each was told of a task that is none: the same in all tests."""
    return {}


@pytest.mark.guarantee(
    "A task of somebody else is answered byte by byte like one that does not exist."
)
@pytest.mark.guarantee("A purged task is shown to its requester only.")
@pytest.mark.parametrize(("owner", "state"), FOREIGN)
def test_task_of_somebody_else_is_the_same_as_none(
    people, clients, known, owner, state
):
    task = card(state, people[owner])
    etag = etag_of(clients[owner], task)
    before = list(Task.objects.values()), AccessLogEntry.objects.count()

    for name in clients.keys() - {owner}:
        code, status = OTHERS[name]
        for what, action in ON_TASK.items():
            answer = action.by(clients[name], task.pk, etag)
            assert told(answer) == (str(status) if action.method == "HEAD" else code)
            if (name, what) not in known:
                none = uuid.uuid4()
                known[name, what] = all_of(action.by(clients[name], none, etag), none)
            assert all_of(answer, task.pk) == known[name, what], (name, what)

    assert (list(Task.objects.values()), AccessLogEntry.objects.count()) == before
    assert told(ON_TASK["poll"].by(clients[owner], task.pk)) == OWN[state]["poll"]


def test_list_has_own_tasks_alone(people, clients):
    own = {
        name: {str(card(state, people[name]).pk) for state in STATES[:6]}
        for name in OWNERS
    }

    for name in people:
        listed = clients[name].get("/tasks").json()["results"]
        assert {entry["task_id"] for entry in listed} == own.get(name, set())


@pytest.mark.guarantee(
    "Idempotency keys and equal requests are never shared between requesters."
)
def test_equal_requests_and_equal_keys_of_others_are_others(people, clients):
    askers = [name for name in people if name not in {"stranger", "neighbour"}]

    def ask(name, key):
        headers = {"Idempotency-Key": key} if key else {}
        return clients[name].post(
            "/reports", CARD, content_type="application/json", headers=headers
        )

    first = {(name, key): ask(name, key) for name in askers for key in ("", "one")}
    again = {(name, key): ask(name, key) for name, key in first}

    ids = {asked: answer.json()["task_id"] for asked, answer in first.items()}
    assert len(set(ids.values())) == 2 * len(askers) == 12
    for (name, key), answer in again.items():
        # Without a key it is joined to one that waits, with or without a key.
        assert answer.json()["task_id"] in {ids[name, key], ids[name, "one"]}
        assert Task.objects.get(pk=ids[name, key]).requester == people[name]
        assert "Idempotency-Replayed" not in first[name, key]
        assert ("Idempotency-Replayed" in answer) == bool(key)


def test_link_is_its_maker_s_eyes_in_whoever_s_hands(people, clients):
    task, other = (card("succeeded", people[name]) for name in ("teacher", "guardian"))
    url = ON_TASK["link"].by(clients["teacher"], task.pk).json()["url"]
    content = ON_TASK["result"].by(clients["teacher"], task.pk).getvalue()
    elsewhere = url.replace(str(task.pk), str(other.pk))
    nowhere = url.replace(str(task.pk), str(none := uuid.uuid4()))

    for client in clients.values():
        assert client.get(url).getvalue() == content
        refused, of_none = client.get(elsewhere), client.get(nowhere)
        assert told(refused) == "link_not_valid"
        assert all_of(refused, other.pk) == all_of(of_none, none)

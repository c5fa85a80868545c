"""Everybody, everything that can be done with a task, and a task in each state."""

import uuid
from typing import Any

import pytest

from tasks.models import AccessLogEntry, Task
from tests.api.access_matrix.actions import (
    REPORT_CARD_REQUEST,
    TASK_ACTIONS,
    comparable_response,
    outcome_of,
    parse_table,
)
from tests.support.contract import ContractClient
from tests.support.task_factories import TASK_STATES, create_task_in_state

pytestmark = pytest.mark.django_db

OWN_TASK_OUTCOMES = parse_table("""
          poll   peek wait   known  result         head part           link           cancel   delete
queued    200    200  200    304    no_result      409  no_result      no_result      202      task_not_finished
running   200    200  200    304    no_result      409  no_result      no_result      202      task_not_finished
succeeded 200    200  200    304    200            200  206            200            task_finished 204
failed    200    200  200    304    no_result      409  no_result      no_result      task_finished 204
canceled  200    200  200    304    no_result      409  no_result      no_result      202      204
expired   200    200  200    304    result_expired 410  result_expired result_expired task_finished 204
purged    purged 410  purged purged purged         410  purged         purged         purged   purged
""")  # fmt: skip

FOREIGN_TASK_OUTCOMES = {
    **dict.fromkeys(["superuser", "administrator", "secretary"], ("not_found", 404)),
    **dict.fromkeys(["colleague", "teacher", "guardian"], ("not_found", 404)),
    **dict.fromkeys(["stranger", "neighbour"], ("not_found", 404)),
    **dict.fromkeys(["disabled", "deleted", "forger"], ("token_not_valid", 401)),
    "anonymous": ("not_authenticated", 401),
}
"""What each is told of another's task, whatever its state: the code, or for HEAD the status."""

OWNERS = ["superuser", "administrator", "secretary", "teacher", "guardian"]
FOREIGN_TASK_CASES = [("teacher", "succeeded"), ("teacher", "purged")] + [
    pytest.param(owner, state, marks=pytest.mark.deep_on_postgresql("as of a teacher"))
    for owner, state in (
        *(
            ("teacher", state)
            for state in TASK_STATES
            if state not in {"succeeded", "purged"}
        ),
        *((owner, "succeeded") for owner in OWNERS if owner != "teacher"),
    )
]
WRITE_ACTIONS = ["cancel", "delete"]
READ_ACTIONS = [name for name in TASK_ACTIONS if name not in WRITE_ACTIONS]


def get_etag(client, task):
    return client.get(f"/tasks/{task.pk}").get("ETag", 'W/"none"')


def create_card(state, owner):
    return create_task_in_state(
        state,
        owner,
        REPORT_CARD_REQUEST["parameters"],
        kind=REPORT_CARD_REQUEST["report"],
    )


def test_tables_are_whole():
    assert list(OWN_TASK_OUTCOMES) == TASK_STATES
    assert {tuple(row) for row in OWN_TASK_OUTCOMES.values()} == {tuple(TASK_ACTIONS)}


@pytest.mark.parametrize("state", TASK_STATES)
@pytest.mark.parametrize("owner", OWNERS)
def test_own_task(users, clients, owner, state):
    users[owner].bump_access_version()  # since the client's token was given
    task = create_card(state, users[owner])
    etag = get_etag(clients[owner], task)

    def found_by(client, names):
        return {
            name: outcome_of(TASK_ACTIONS[name].send(client, task.pk, etag))
            for name in names
        }

    by_old_token = found_by(clients[owner], READ_ACTIONS)
    # What changes something comes last, and what changes nothing in this state before.
    last = WRITE_ACTIONS if state not in {"queued", "running"} else WRITE_ACTIONS[::-1]
    found = found_by(ContractClient.for_user(users[owner]), [*READ_ACTIONS, *last])

    assert found == OWN_TASK_OUTCOMES[state]
    assert by_old_token.items() <= found.items()


@pytest.fixture(scope="module")
def missing_task_responses() -> dict[tuple[str, str], Any]:
    """What each was told of a task that is none: the same in all tests."""
    return {}


@pytest.mark.guarantee(
    "A task of somebody else is answered byte by byte like one that does not exist."
)
@pytest.mark.guarantee("A purged task is shown to its requester only.")
@pytest.mark.parametrize(("owner", "state"), FOREIGN_TASK_CASES)
def test_task_of_somebody_else_is_the_same_as_none(
    users, clients, missing_task_responses, owner, state
):
    task = create_card(state, users[owner])
    etag = get_etag(clients[owner], task)
    before = list(Task.objects.values()), AccessLogEntry.objects.count()

    for name in clients.keys() - {owner}:
        code, status = FOREIGN_TASK_OUTCOMES[name]
        for what, action in TASK_ACTIONS.items():
            answer = action.send(clients[name], task.pk, etag)
            assert outcome_of(answer) == (
                str(status) if action.method == "HEAD" else code
            )
            if (name, what) not in missing_task_responses:
                none = uuid.uuid4()
                missing_task_responses[name, what] = comparable_response(
                    action.send(clients[name], none, etag), none
                )
            assert (
                comparable_response(answer, task.pk)
                == missing_task_responses[name, what]
            ), (name, what)

    assert (list(Task.objects.values()), AccessLogEntry.objects.count()) == before
    assert (
        outcome_of(TASK_ACTIONS["poll"].send(clients[owner], task.pk))
        == OWN_TASK_OUTCOMES[state]["poll"]
    )


def test_list_has_own_tasks_alone(users, clients):
    own = {
        name: {str(create_card(state, users[name]).pk) for state in TASK_STATES[:6]}
        for name in OWNERS
    }

    for name in users:
        listed = clients[name].get("/tasks").json()["results"]
        assert {entry["task_id"] for entry in listed} == own.get(name, set())


@pytest.mark.guarantee(
    "Idempotency keys and equal requests are never shared between requesters."
)
def test_equal_requests_and_equal_keys_of_others_are_others(users, clients):
    askers = [name for name in users if name not in {"stranger", "neighbour"}]

    def ask(name, key):
        headers = {"Idempotency-Key": key} if key else {}
        return clients[name].post(
            "/reports",
            REPORT_CARD_REQUEST,
            content_type="application/json",
            headers=headers,
        )

    first = {(name, key): ask(name, key) for name in askers for key in ("", "one")}
    again = {(name, key): ask(name, key) for name, key in first}

    ids = {asked: answer.json()["task_id"] for asked, answer in first.items()}
    assert len(set(ids.values())) == 2 * len(askers) == 12
    for (name, key), answer in again.items():
        # Without a key it is joined to one that waits, with or without a key.
        assert answer.json()["task_id"] in {ids[name, key], ids[name, "one"]}
        assert Task.objects.get(pk=ids[name, key]).requester == users[name]
        assert "Idempotency-Replayed" not in first[name, key]
        assert ("Idempotency-Replayed" in answer) == bool(key)


def test_link_is_its_maker_s_eyes_in_whoever_s_hands(users, clients):
    task, other = (
        create_card("succeeded", users[name]) for name in ("teacher", "guardian")
    )
    url = TASK_ACTIONS["link"].send(clients["teacher"], task.pk).json()["url"]
    content = TASK_ACTIONS["result"].send(clients["teacher"], task.pk).getvalue()
    elsewhere = url.replace(str(task.pk), str(other.pk))
    nowhere = url.replace(str(task.pk), str(none := uuid.uuid4()))

    for client in clients.values():
        assert client.get(url).getvalue() == content
        refused, of_none = client.get(elsewhere), client.get(nowhere)
        assert outcome_of(refused) == "link_not_valid"
        assert comparable_response(refused, other.pk) == comparable_response(
            of_none, none
        )

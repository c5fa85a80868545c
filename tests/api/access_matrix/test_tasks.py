"""Access matrix of the tasks: every user, every action, a task in every state."""

import uuid
from typing import Any

import pytest
from django.test import Client

from api.views.task_filters import TaskFilter
from tasks.models import AccessLogEntry, Task
from tests.api.access_matrix.actions import (
    REPORT_CARD_REQUEST,
    TASK_ACTIONS,
    TASK_FILTERS,
    TASK_VARIANTS,
    comparable_response,
    outcome_of,
    parse_table,
)
from tests.support.contract import ContractClient
from tests.support.task_factories import (
    TASK_STATES,
    create_task_in_state,
    queue_task,
)

pytestmark = pytest.mark.django_db

OWN_TASK_OUTCOMES = parse_table("""
          poll   poll_head wait   poll_etag result         result_head result_range   link           rerun          cancel        delete
queued    200    200       200    304       no_result      409         no_result      no_result      202            202           task_not_finished
running   200    200       200    304       no_result      409         no_result      no_result      202            202           task_not_finished
succeeded 200    200       200    304       200            200         206            200            202            task_finished 204
failed    200    200       200    304       no_result      409         no_result      no_result      202            task_finished 204
canceled  200    200       200    304       no_result      409         no_result      no_result      202            202           204
expired   200    200       200    304       result_expired 410         result_expired result_expired request_erased task_finished 204
purged    purged 410       purged purged    purged         410         purged         purged         purged         purged        purged
""")  # fmt: skip

FOREIGN_TASK_OUTCOMES = {
    **dict.fromkeys(["superuser", "administrator", "secretary"], ("not_found", 404)),
    **dict.fromkeys(["colleague", "teacher", "guardian"], ("not_found", 404)),
    **dict.fromkeys(["stranger", "neighbour"], ("not_found", 404)),
    **dict.fromkeys(["disabled", "deleted", "forger"], ("token_not_valid", 401)),
    "anonymous": ("not_authenticated", 401),
}
"""Outcome for a foreign task in any state: problem code, and status for HEAD."""

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


def test_outcome_table_is_complete():
    assert list(OWN_TASK_OUTCOMES) == TASK_STATES
    assert {tuple(row) for row in OWN_TASK_OUTCOMES.values()} == {tuple(TASK_ACTIONS)}


@pytest.mark.parametrize("state", TASK_STATES)
@pytest.mark.parametrize("owner", OWNERS)
def test_own_task_in_each_state_has_expected_outcomes(users, clients, owner, state):
    users[owner].bump_access_version()  # after the client's token was issued
    task = create_card(state, users[owner])
    etag = get_etag(clients[owner], task)

    def collect_outcomes(client, names):
        return {
            name: outcome_of(TASK_ACTIONS[name].send(client, task.pk, etag))
            for name in names
        }

    outcomes_of_old_token = collect_outcomes(clients[owner], READ_ACTIONS)
    # The action that changes the task in this state comes last.
    last = WRITE_ACTIONS if state not in {"queued", "running"} else WRITE_ACTIONS[::-1]
    outcomes = collect_outcomes(
        ContractClient.for_user(users[owner]), [*READ_ACTIONS, *last]
    )

    assert outcomes == OWN_TASK_OUTCOMES[state]
    assert outcomes_of_old_token.items() <= outcomes.items()


@pytest.fixture(scope="module")
def missing_task_responses() -> dict[tuple[str, str], Any]:
    """Cached responses to a task that does not exist, by user and action."""
    return {}


@pytest.mark.guarantee(
    "Another user's task and a missing task return identical responses."
)
@pytest.mark.guarantee("A purged task is shown to its requester only.")
@pytest.mark.parametrize(("owner", "state"), FOREIGN_TASK_CASES)
def test_foreign_task_equals_missing_task(
    users, clients, missing_task_responses, owner, state
):
    task = create_card(state, users[owner])
    etag = get_etag(clients[owner], task)
    before = list(Task.objects.values()), AccessLogEntry.objects.count()

    for name in clients.keys() - {owner}:
        code, status = FOREIGN_TASK_OUTCOMES[name]
        for action_name, action in TASK_ACTIONS.items():
            answer = action.send(clients[name], task.pk, etag)
            assert outcome_of(answer) == (
                str(status) if action.method == "HEAD" else code
            )
            if (name, action_name) not in missing_task_responses:
                missing_id = uuid.uuid4()
                missing_task_responses[name, action_name] = comparable_response(
                    action.send(clients[name], missing_id, etag), missing_id
                )
            assert (
                comparable_response(answer, task.pk)
                == missing_task_responses[name, action_name]
            ), (name, action_name)

    assert (list(Task.objects.values()), AccessLogEntry.objects.count()) == before
    assert (
        outcome_of(TASK_ACTIONS["poll"].send(clients[owner], task.pk))
        == OWN_TASK_OUTCOMES[state]["poll"]
    )


def test_task_list_contains_own_tasks_only(users, clients):
    own = {
        name: {str(create_card(state, users[name]).pk) for state in TASK_STATES[:6]}
        for name in OWNERS
    }

    for name in users:
        entries = clients[name].get("/tasks").json()["results"]
        assert {entry["task_id"] for entry in entries} == own.get(name, set())


@pytest.mark.guarantee(
    "Another user's task and a missing task return identical responses."
)
@pytest.mark.parametrize("action", TASK_VARIANTS.values(), ids=TASK_VARIANTS)
def test_variant_of_an_action_on_foreign_task_equals_missing_task(
    users, clients, action
):
    tasks = [create_card(state, users["teacher"]) for state in ("succeeded", "purged")]
    missing_id = uuid.uuid4()
    count = Task.objects.count()

    for name in clients.keys() - {"teacher"}:
        # A plain client: the contract does not describe the pages for browsers.
        client = Client(**clients[name].defaults)
        missing = comparable_response(action.send(client, missing_id), missing_id)
        for task in tasks:
            answer = comparable_response(action.send(client, task.pk), task.pk)
            assert answer == missing, name
    assert Task.objects.count() == count


@pytest.mark.guarantee("Tasks of others change no list, no total and no ETag.")
@pytest.mark.parametrize("name", ["administrator", "colleague", "guardian"])
def test_filters_totals_and_etags_reveal_no_foreign_task(users, clients, name):
    assert TASK_FILTERS.keys() == TaskFilter.base_filters.keys()
    queries = [f"{f}={value}" for f, value in TASK_FILTERS.items()]
    queries += ["", "page_size=1", "&".join(queries)]

    def read_lists():
        return [
            comparable_response(
                clients[name].get(f"/tasks?total=true&{query}"), uuid.uuid4()
            )
            for query in queries
        ]

    before = read_lists()
    for state in TASK_STATES:
        create_card(state, users["teacher"])
    queue_task(users["teacher"], {"class_id": 1})
    queue_task(users["teacher"], {"class_ids": [1, 2]})

    assert read_lists() == before
    for query in queries:
        own = clients["teacher"].get(f"/tasks?total=true&{query}").json()
        assert own["total"] if "&class_id" not in query else not own["total"]


@pytest.mark.guarantee(
    "Idempotency keys and equal requests are never shared between requesters."
)
def test_equal_requests_of_several_users_create_own_tasks(users, clients):
    requesters = [name for name in users if name not in {"stranger", "neighbour"}]

    def ask(name, key):
        headers = {"Idempotency-Key": key} if key else {}
        return clients[name].post(
            "/reports",
            REPORT_CARD_REQUEST,
            content_type="application/json",
            headers=headers,
        )

    first = {(name, key): ask(name, key) for name in requesters for key in ("", "one")}
    again = {(name, key): ask(name, key) for name, key in first}

    ids = {case: answer.json()["task_id"] for case, answer in first.items()}
    assert len(set(ids.values())) == 2 * len(requesters) == 12
    for (name, key), answer in again.items():
        # A request without a key joins a queued one, whether or not that has a key.
        assert answer.json()["task_id"] in {ids[name, key], ids[name, "one"]}
        assert Task.objects.get(pk=ids[name, key]).requester == users[name]
        assert "Idempotency-Replayed" not in first[name, key]
        assert ("Idempotency-Replayed" in answer) == bool(key)


def test_signed_link_opens_its_result_for_any_client(users, clients):
    task, other = (
        create_card("succeeded", users[name]) for name in ("teacher", "guardian")
    )
    url = TASK_ACTIONS["link"].send(clients["teacher"], task.pk).json()["url"]
    content = TASK_ACTIONS["result"].send(clients["teacher"], task.pk).getvalue()
    other_url = url.replace(str(task.pk), str(other.pk))
    missing_url = url.replace(str(task.pk), str(missing_id := uuid.uuid4()))

    for client in clients.values():
        assert client.get(url).getvalue() == content
        refused, missing = client.get(other_url), client.get(missing_url)
        assert outcome_of(refused) == "link_not_valid"
        assert comparable_response(refused, other.pk) == comparable_response(
            missing, missing_id
        )

import pytest

from tests.support.contract import load_spec
from tests.support.task_factories import run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("a query is refused before a row is read"),
]

OPERATIONS = [
    (method, path)
    for path, operations in load_spec()["paths"].items()
    for method in operations
]


@pytest.fixture
def query_errors(as_user, teacher):
    task = run_task(teacher)

    def query_errors(method, path, query):
        path = path.format(task_id=task.pk, kind="report_card")
        response = as_user(teacher).generic(
            method.upper(), f"{path}?{query}", "{}", content_type="application/json"
        )
        errors = (
            response.json().get("errors", []) if response.status_code == 400 else []
        )
        return {flaw["pointer"]: flaw["code"] for flaw in errors}

    return query_errors


@pytest.mark.guarantee("Unknown query parameters are refused.")
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_operation_refuses_what_it_does_not_know_in_its_query(
    query_errors, method, path
):
    flaws = query_errors(method, path, "odd=1&a%2Fb=&a%2Fb=")

    assert flaws == {"/odd": "unknown_field", "/a~1b": "unknown_field"}


@pytest.mark.guarantee("Unknown query parameters are refused.")
def test_what_is_given_twice_is_refused(query_errors):
    flaws = query_errors("get", "/tasks/{task_id}", "wait=1&wait=2")

    assert flaws == {"/wait": "repeated_parameter"}


@pytest.mark.guarantee("Unknown query parameters are refused.")
def test_a_thousand_parameters_are_too_many(as_user, teacher):
    assert as_user(teacher).get(f"/tasks?{'&' * 1001}").status_code == 400


def test_token_is_no_parameter_where_it_opens_nothing(query_errors):
    assert query_errors("get", "/tasks/{task_id}", "link=x") == {
        "/link": "unknown_field"
    }


def test_query_says_nothing_to_whom_the_address_is_closed(client):
    assert client.get("/tasks?odd=1").status_code == 401

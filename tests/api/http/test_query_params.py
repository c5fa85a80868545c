from collections import defaultdict

import pytest

from tests.support.contract import load_spec
from tests.support.task_factories import run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("a query is refused before the database is read"),
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
        values = defaultdict(lambda: "1", task_id=task.pk, kind="report_card")
        path = path.format_map(values)
        response = as_user(teacher).generic(
            method.upper(), f"{path}?{query}", "{}", content_type="application/json"
        )
        errors = (
            response.json().get("errors", []) if response.status_code == 400 else []
        )
        return {error["pointer"]: error["code"] for error in errors}

    return query_errors


@pytest.mark.guarantee("Unknown query parameters are refused.")
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_unknown_query_parameter_is_refused_by_every_operation(
    query_errors, method, path
):
    codes_by_pointer = query_errors(method, path, "odd=1&a%2Fb=&a%2Fb=")

    assert codes_by_pointer == {"/odd": "unknown_field", "/a~1b": "unknown_field"}


@pytest.mark.guarantee("Unknown query parameters are refused.")
def test_repeated_query_parameter_is_refused(query_errors):
    codes_by_pointer = query_errors("get", "/tasks/{task_id}", "wait=1&wait=2")

    assert codes_by_pointer == {"/wait": "repeated_parameter"}


@pytest.mark.guarantee("Unknown query parameters are refused.")
def test_more_than_a_thousand_query_parameters_are_refused(as_user, teacher):
    assert as_user(teacher).get(f"/tasks?{'&' * 1001}").status_code == 400


def test_link_parameter_outside_results_is_unknown(query_errors):
    assert query_errors("get", "/tasks/{task_id}", "link=x") == {
        "/link": "unknown_field"
    }


def test_query_errors_without_token_are_hidden(client):
    assert client.get("/tasks?odd=1").status_code == 401

"""Number of SQL statements of a submission."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

pytestmark = pytest.mark.django_db

MAX_STATEMENTS = 8
BODY = {"report": "class_performance", "parameters": {"class_id": 1}}


def submit(client, body, **options):
    """Submit a report; return the statements, without those that begin and end transactions."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.post_json("/reports", body, **options)
    assert answer.status_code == 202
    statements = [query["sql"] for query in queries]
    # A test runs in a transaction, so that of the submission is a savepoint in it.
    (begin,) = [sql for sql in statements if sql.startswith("SAVEPOINT")]
    end = begin.replace("SAVEPOINT", "RELEASE SAVEPOINT")
    return [sql for sql in statements if sql not in {begin, end}]


@pytest.mark.guarantee("An accepted report costs at most eight SQL statements.")
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}], ids=["bare", "key"])
@pytest.mark.parametrize("username", ["admin", "secretary", "teacher"])
@pytest.mark.parametrize("kind", ["class_performance", "report_card"])
def test_submission_of_one_class_has_eight_statements_at_most(
    as_user, network, django_user_model, username, kind, headers
):
    client = as_user(django_user_model.objects.get(username=username))
    body = {**BODY, "report": kind}
    submit(client, body)  # reads what the process remembers

    statements = submit(client, {**body, "label": "again"}, headers=headers)

    assert len(statements) <= MAX_STATEMENTS
    assert len(set(statements)) == len(statements)


def test_submission_in_new_process_has_eight_statements_at_most(as_user, teacher):
    assert len(submit(as_user(teacher), BODY)) <= MAX_STATEMENTS

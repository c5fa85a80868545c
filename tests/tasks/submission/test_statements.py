"""Number of SQL statements of a submission."""

import pytest
from django.db import connection
from django.db.models.sql.compiler import (
    SQLCompiler,
    SQLInsertCompiler,
    SQLUpdateCompiler,
)
from django.test.utils import CaptureQueriesContext

from tests.support.task_factories import queue_task

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


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}], ids=["bare", "key"])
@pytest.mark.parametrize("username", ["admin", "secretary", "teacher"])
@pytest.mark.parametrize("kind", ["class_performance", "report_card"])
def test_submission_builds_no_sql_text_twice(
    as_user, network, django_user_model, monkeypatch, username, kind, headers
):
    client = as_user(django_user_model.objects.get(username=username))
    body = {**BODY, "report": kind}
    for number in (1, 2):  # the first also counts what is far from its limit
        key = {name: f"{value}{number}" for name, value in headers.items()}
        submit(client, {**body, "label": f"{number}"}, headers=key)
    built = []
    for compiler in (SQLCompiler, SQLInsertCompiler, SQLUpdateCompiler):
        monkeypatch.setattr(compiler, "as_sql", lambda *_args, **_: built.append(_args))

    submit(client, {**body, "label": "third"}, headers=headers)

    assert built == []


def test_submission_in_new_process_has_eight_statements_at_most(as_user, teacher):
    assert len(submit(as_user(teacher), BODY)) <= MAX_STATEMENTS


def test_submission_has_no_more_statements_with_a_long_queue(as_user, teacher):
    client = as_user(teacher)
    submit(client, {**BODY, "label": "first"})
    before = submit(client, {**BODY, "label": "second"})
    for _ in range(30):
        queue_task(teacher)

    after = submit(client, {**BODY, "label": "third"})

    assert len(after) <= len(before)


def test_what_is_far_from_its_limit_is_counted_once(as_user, teacher):
    client = as_user(teacher)

    first = submit(client, {**BODY, "label": "first"})
    second = submit(client, {**BODY, "label": "second"})

    for name in ("queue_length", "stored_bytes"):
        assert any(name in sql for sql in first)
        assert not any(name in sql for sql in second)


@pytest.mark.parametrize(
    ("setting", "name"),
    [("MAX_QUEUED", "queue_length"), ("MAX_RESULT_BYTES_PER_USER", "stored_bytes")],
)
def test_what_is_near_its_limit_is_counted_each_time(
    as_user, teacher, settings, setting, name
):
    client = as_user(teacher)
    setattr(settings, setting, 500)
    for label in ("first", "second"):
        statements = submit(client, {**BODY, "label": label})

        assert any(name in sql for sql in statements)

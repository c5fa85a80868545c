import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from school.models import User
from tasks import artifacts, lifecycle, redis_store
from tasks.failures import DataError, TimedOut
from tasks.maintenance import retention
from tasks.maintenance import tasks as maintenance_tasks
from tasks.models import AccessLogEntry, Task, Tombstone
from tasks.progress import Progress
from tasks.states import EXPIRY_LABELS, ExpiryReason, State
from tasks.status import projection, reader
from tests.support.task_factories import create_task_in_state, queue_task, run_task

pytestmark = pytest.mark.django_db


def test_poll_of_cached_task_makes_no_query(as_user, teacher):
    task = queue_task(teacher)
    client = as_user(teacher)
    client.get(f"/tasks/{task.pk}")  # caches the access version

    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.get(f"/tasks/{task.pk}")

    assert answer.json()["state"] == "queued"
    assert [query["sql"] for query in queries] == []


def test_poll_without_redis_document_reads_the_row(as_user, teacher):
    task = run_task(teacher)
    redis_store.client().delete(f"celery-task-meta-{task.pk}")

    first = as_user(teacher).get(f"/tasks/{task.pk}").json()
    second = as_user(teacher).get(f"/tasks/{task.pk}").json()

    assert first == second
    assert first["state"] == "succeeded"
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is not None


def test_document_of_finished_task_has_the_rows(as_user, teacher):
    document = as_user(teacher).get(f"/tasks/{run_task(teacher).pk}").json()

    assert document["result"]["rows"] == len(document["result"]["data"]) == 40
    assert document["progress"] == {
        "stage": "finished", "stage_label": "Concluído", "done": 40, "total": 40, "percent": 100,
        "unit": "rows", "unit_label": "linhas", "ends_at": None,
    }  # fmt: skip
    assert document["poll_after_ms"] is None


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_document_names_every_state_for_people(as_user, teacher, language):
    labels = {}
    for state in State:
        task = create_task_in_state(state, teacher, language=language)
        document = as_user(teacher).get(f"/tasks/{task.pk}").json()
        labels[document["state"]] = document["state_label"]
    listed = as_user(teacher).get("/tasks").json()["results"]

    assert {task["state"]: task["state_label"] for task in listed} == labels
    assert labels["running"] == {"pt-BR": "Em andamento", "en": "Running"}[language]
    assert len(set(labels.values())) == len(State)
    assert not set(labels.values()) & set(labels)


@pytest.mark.parametrize(
    ("language", "labels"),
    [
        ("pt-BR", ("CSV para programas", "Português Brasileiro", "Na fila")),
        ("en", ("CSV for programs", "English", "Queued")),
    ],
)
def test_document_names_its_codes_for_people(as_user, teacher, language, labels):
    create_task_in_state("queued", teacher, language=language, format="csv")

    (document,) = as_user(teacher).get("/tasks").json()["results"]

    names = ("format_label", "language_label")
    stage_label = document["progress"]["stage_label"]
    assert (*(document[name] for name in names), stage_label) == labels
    assert document["expiry_reason_label"] is None


@pytest.mark.parametrize("reason", ExpiryReason)
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_document_says_for_people_why_the_result_expired(
    as_user, teacher, reason, language
):
    task = run_task(teacher, language=language)
    lifecycle.erase(task, reason)

    label = as_user(teacher).get(f"/tasks/{task.pk}").json()["expiry_reason_label"]

    with override(language):
        assert label == str(EXPIRY_LABELS[reason])
    assert label not in [*ExpiryReason, ""]


def test_document_with_large_result_has_its_url_and_columns(as_user, teacher, settings):
    settings.INLINE_RESULT_BYTES = 1000
    client = as_user(teacher)

    task = run_task(teacher)
    from_redis = client.get(f"/tasks/{task.pk}").json()["result"]
    redis_store.client().flushdb()
    result = client.get(f"/tasks/{task.pk}").json()["result"]

    assert result == from_redis
    assert "data" not in result
    rows = json.loads(b"".join(client.get(result["url"])))
    assert len(rows) == 40
    assert list(rows[0]) == [column["name"] for column in result["columns"]]
    assert result["columns"][:1] == [
        {"name": "school", "title": "Escola", "type": "text", "labels": {}, "for": "people"}
    ]  # fmt: skip


def test_poll_of_final_task_has_no_retry_after(as_user, teacher):
    task = queue_task(teacher)
    client = as_user(teacher)

    queued = client.get(f"/tasks/{task.pk}")
    lifecycle.cancel(task)
    final = client.get(f"/tasks/{task.pk}")

    assert "Retry-After" in queued
    assert "Retry-After" not in final


TASK_REQUESTS = [
    ("get", ""), ("post", "/cancel"), ("post", "/rerun"), ("get", "/result"),
    ("post", "/result/link"), ("delete", ""),
]  # fmt: skip
"""Method and path of every request about one task."""


@pytest.mark.parametrize(("method", "path"), TASK_REQUESTS)
def test_purged_task_returns_410_until_its_tombstone_expires(
    as_user, teacher, method, path
):
    task = run_task(teacher)
    client = as_user(teacher)
    assert client.delete(f"/tasks/{task.pk}").status_code == 204

    def ask():
        answer = client.generic(method.upper(), f"/tasks/{task.pk}{path}")
        return answer.status_code, answer.json()["code"]

    assert ask() == (410, "purged")
    Tombstone.objects.update(is_cleared=True, purged_at="2020-01-01T00:00:00Z")
    maintenance_tasks.delete_old_rows()
    assert ask() == (404, "not_found")


@pytest.mark.parametrize("end", ["succeeded", "failed", "canceled", "expired"])
def test_delete_of_final_task_purges_it_at_once(as_user, teacher, end):
    task = queue_task(teacher) if end in {"failed", "canceled"} else run_task(teacher)
    if end == "failed":
        lifecycle.fail(lifecycle.claim(task.pk), TimedOut())
    elif end == "canceled":
        lifecycle.cancel(task)
    elif end == "expired":
        lifecycle.erase(task)
    client = as_user(teacher)
    client.get(f"/tasks/{task.pk}")  # caches the document in Redis

    answer = client.delete(f"/tasks/{task.pk}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert not Task.objects.exists()
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is None
    assert not artifacts.exists(task.artifact or "none")
    assert client.get("/tasks").json()["results"] == []
    entry = AccessLogEntry.objects.first()
    assert (entry.action, entry.viewer, entry.task_id) == ("deleted", teacher, task.pk)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_delete_of_unfinished_task_returns_409(as_user, teacher, state):
    task = queue_task(teacher)
    if state == "running":
        lifecycle.claim(task.pk)

    answer = as_user(teacher).delete(f"/tasks/{task.pk}")

    assert answer.status_code == 409
    assert answer.json()["code"] == "task_not_finished"
    assert answer.json()["task"]["state"] == state
    assert Task.objects.exists()


@pytest.mark.guarantee("A token of a disabled user deletes nothing.")
def test_delete_by_disabled_user_returns_401(as_user, teacher):
    task = run_task(teacher)
    client = as_user(teacher)
    User.objects.filter(pk=teacher.pk).update(is_active=False)

    assert client.delete(f"/tasks/{task.pk}").status_code == 401
    assert Task.objects.exists()


@pytest.fixture
def purge_after_read(monkeypatch):
    """Purge of each task right after its row was read."""
    original = reader.get_task_for

    def read_and_purge(task_id, viewer):
        task = original(task_id, viewer)
        retention.replace_with_tombstone(task)
        return task

    monkeypatch.setattr(reader, "get_task_for", read_and_purge)


@pytest.mark.usefixtures("purge_after_read")
def test_cancel_of_concurrently_purged_task_returns_410(as_user, teacher):
    task = run_task(teacher)
    answer = as_user(teacher).post_json(f"/tasks/{task.pk}/cancel")

    assert (answer.status_code, answer.json()["code"]) == (410, "purged")


@pytest.mark.usefixtures("purge_after_read")
def test_poll_of_concurrently_purged_task_returns_200(as_user, teacher):
    task = run_task(teacher)
    Task.objects.update(access_version=teacher.access_version + 1)
    redis_store.client().flushdb()
    client = as_user(teacher)

    assert client.get(f"/tasks/{task.pk}").status_code == 200
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is None


def test_document_of_expired_task_omits_its_details(as_user, teacher):
    task = lifecycle.claim(queue_task(teacher).pk)
    lifecycle.fail(task, DataError("Enrolment 7 has no class."))
    Task.objects.update(expires_at="2020-01-01T00:00:00Z")
    maintenance_tasks.expire_due_tasks()

    document = as_user(teacher).get(f"/tasks/{task.pk}").json()

    assert (document["state"], document["parameters"]) == ("failed", {})
    assert document["error"]["code"] == "data_error"
    assert "Enrolment" not in json.dumps(document)


def test_document_of_failed_task_has_error_and_no_celery_fields(as_user, teacher):
    task = lifecycle.claim(queue_task(teacher).pk)
    lifecycle.fail(task, TimedOut())

    from_redis = as_user(teacher).get(f"/tasks/{task.pk}").json()
    redis_store.client().flushdb()
    from_row = as_user(teacher).get(f"/tasks/{task.pk}").json()

    assert from_redis == from_row
    assert from_row["error"]["code"] == "timeout"
    assert not [name for name in from_redis if name.startswith("exc")]


def test_task_list_is_newest_first_without_rows_and_columns(as_user, teacher, stranger):
    first, second = run_task(teacher), queue_task(teacher)
    queue_task(stranger, {"class_id": 3})

    entries = as_user(teacher).get("/tasks").json()["results"]

    assert [entry["task_id"] for entry in entries] == [str(second.pk), str(first.pk)]
    assert not {"data", "columns"} & entries[1]["result"].keys()


@pytest.mark.parametrize("count", [1, 3])
def test_task_list_takes_two_queries(as_user, teacher, count):
    for _ in range(count):
        queue_task(teacher)
    client = as_user(teacher)

    with CaptureQueriesContext(connection) as queries:
        client.get("/tasks")

    assert len(queries) == 2  # the user and the page


def test_task_list_is_paged_by_cursor(as_user, teacher):
    tasks = [queue_task(teacher) for _ in range(3)]
    client = as_user(teacher)

    first = client.get("/tasks?page_size=2").json()
    second = client.get(first["next"]).json()

    listed_ids = [e["task_id"] for page in (first, second) for e in page["results"]]
    assert listed_ids == [str(task.pk) for task in reversed(tasks)]
    assert second["next"] is None


@pytest.fixture
def listed_ids(as_user, teacher):
    """Function that returns the ids in the list with this query."""

    def list_ids(**query):
        results = as_user(teacher).get("/tasks", query).json()["results"]
        return {entry["task_id"] for entry in results}

    return list_ids


def test_task_list_is_filtered_by_each_member(listed_ids, teacher):
    done = run_task(teacher, format="csv")
    waiting = queue_task(teacher, {"student_id": 1, "year": 2026}, kind="report_card")

    assert listed_ids(state="succeeded") == {str(done.pk)}
    assert listed_ids(report="report_card") == {str(waiting.pk)}
    assert listed_ids(format="csv") == {str(done.pk)}
    assert listed_ids(class_id=1) == {str(done.pk)}
    assert listed_ids(class_id=2) == set()
    assert listed_ids(created_after="2100-01-01T00:00:00Z") == set()
    assert listed_ids(format="csv", state="queued") == set()


def test_task_list_filtered_by_several_states_has_all_of_them(listed_ids, teacher):
    tasks = {
        state: create_task_in_state(state, teacher)
        for state in ("queued", "running", "canceled")
    }

    for states in (["queued", "running"], ["running", "canceled"], ["queued"]):
        expected = {str(tasks[state].pk) for state in states}
        assert listed_ids(state=",".join(states)) == expected


def test_task_list_filtered_by_class_has_tasks_of_several_classes(listed_ids, teacher):
    task = queue_task(teacher)
    Task.objects.update(parameters={"class_ids": [1, 2]})

    assert listed_ids(class_id=2) == {str(task.pk)}
    assert listed_ids(class_id=12) == set()


def test_task_list_updated_after_has_changed_tasks_only(listed_ids, as_user, teacher):
    first, second = queue_task(teacher), queue_task(teacher)
    Task.objects.update(updated_at="2026-01-01T00:00:00Z")
    lifecycle.cancel(first)
    document = as_user(teacher).get(f"/tasks/{first.pk}").json()

    assert listed_ids(updated_after="2026-01-01T00:00:00Z") == {str(first.pk)}
    assert listed_ids(updated_after="2025-12-31T23:59:59Z") == {
        str(first.pk), str(second.pk),
    }  # fmt: skip
    assert document["updated_at"] > document["created_at"]
    assert listed_ids(updated_after="2100-01-01T00:00:00Z") == set()


@pytest.mark.parametrize("end", ["running", "canceled", "cancel requested", "erased"])
def test_each_transition_sets_updated_at(teacher, end):
    task = queue_task(teacher)
    if end in {"cancel requested", "erased"}:
        task = create_task_in_state(
            "running" if end == "cancel requested" else "canceled", teacher
        )
    Task.objects.update(updated_at="2026-01-01T00:00:00Z")
    changes = {
        "running": lambda task: lifecycle.claim(task.pk),
        "erased": lifecycle.erase,
    }

    changes.get(end, lifecycle.cancel)(task)

    assert Task.objects.get(pk=task.pk).updated_at > task.created_at


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("", None),
        ("total=false", None),
        ("total=true", 3),
        ("total=1&page_size=1", 3),
        ("total=1&state=canceled", 0),
    ],
)
def test_task_list_has_total_on_request(as_user, teacher, query, total):
    for _ in range(3):
        queue_task(teacher)

    assert as_user(teacher).get(f"/tasks?{query}").json().get("total") == total


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("cursor=cD1hYmM%3D", 400),
        ("cursor=nonsense", 400),
        ("created_after=9999-12-31T23:59:59-04:00", 400),
        ("created_after=0001-01-01T00:00:00%2B14:00", 400),
        ("created_after=9999-12-31T23:59:59", 400),
        ("created_after=yesterday", 400),
        ("created_after=", 400),
        ("state=", 400),
        ("state=odd", 400),
        ("state=queued,odd", 400),
        ("state=queued,", 400),
        ("format=odd", 400),
        ("class_id=0", 400),
        ("class_id=1.5", 400),
        ("class_id=9223372036854775808", 400),
        ("updated_after=yesterday", 400),
        ("total=yes", 400),
        ("total=", 400),
        ("page_size=x", 400),
    ],
)
def test_invalid_query_returns_400_and_not_500(as_user, teacher, query, status):
    queue_task(teacher)

    assert as_user(teacher).get(f"/tasks?{query}").status_code == status


def test_progress_read_from_the_row_does_not_decrease(as_user, teacher):
    task = lifecycle.claim(queue_task(teacher).pk)
    projection.put_document(task, Progress("writing", 7, 9), sequence=900)
    redis_store.client().delete(f"access-version:{teacher.pk}")

    document = as_user(teacher).get(f"/tasks/{task.pk}").json()

    assert document["progress"]["done"] == 7


def test_cancel_of_queued_task_is_idempotent(as_user, teacher):
    task = queue_task(teacher)
    client = as_user(teacher)

    first = client.post_json(f"/tasks/{task.pk}/cancel")
    second = client.post_json(f"/tasks/{task.pk}/cancel")

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["state"] == "canceled"
    assert lifecycle.claim(task.pk) is None


def test_cancel_of_running_task_sets_cancel_requested_at(as_user, teacher):
    task = lifecycle.claim(queue_task(teacher).pk)

    answer = as_user(teacher).post_json(f"/tasks/{task.pk}/cancel").json()

    assert answer["state"] == "running"
    assert answer["cancel_requested_at"] is not None


def test_cancel_of_final_task_returns_409(as_user, teacher):
    task = run_task(teacher)

    answer = as_user(teacher).post_json(f"/tasks/{task.pk}/cancel")

    assert answer.status_code == 409
    assert answer.json()["code"] == "task_finished"
    assert answer.json()["task"]["state"] == "succeeded"


def test_document_links_start_with_the_public_url(as_user, teacher, settings):
    settings.PUBLIC_URL = "https://reports.example.org"
    task = queue_task(teacher)
    projection.sync_document(task)

    links = as_user(teacher).get(f"/tasks/{task.pk}").json()["links"]

    assert links["self"] == f"https://reports.example.org/tasks/{task.pk}"


@pytest.mark.parametrize("rest", ["", "/", "/result", "/result/link"])
def test_task_id_in_capitals_is_accepted(as_user, teacher, stranger, rest):
    task = run_task(teacher)
    method = "POST" if "link" in rest else "HEAD"

    def status(user, id):
        return as_user(user).generic(method, f"/tasks/{id}{rest}").status_code

    assert status(teacher, str(task.pk).upper()) == 200
    assert status(stranger, str(task.pk).upper()) == 404


def test_unknown_path_returns_404(as_user, teacher):
    answer = as_user(teacher).get("/nowhere")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert Task.objects.count() == 0


@pytest.mark.guarantee("Progress that was shown never decreases.")
def test_progress_after_repeated_requests_never_decreases(as_user, teacher):
    client = as_user(teacher)
    body = {"report": "class_performance", "parameters": {"class_id": 1}}

    def ask():
        return client.post(
            "/reports",
            body,
            content_type="application/json",
            headers={"Idempotency-Key": "a"},
        )

    path = ask()["Location"]
    task = lifecycle.claim(Task.objects.get().pk)
    projection.sync_document(task)
    projection.update_progress(task, Progress("writing", 50, 100), sequence=5000)

    answers = [client.get(path), ask(), client.post(f"{path}/cancel"), client.get(path)]

    assert [answer.json()["progress"]["percent"] for answer in answers] == [50] * 4

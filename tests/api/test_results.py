import pytest

from tasks import lifecycle
from tasks.models import AccessEntry
from tests.making import asked, made

pytestmark = pytest.mark.django_db


def test_result_is_the_file_and_is_written_to_the_access_log(as_user, teacher):
    task = made(teacher, format="csv")

    answer = as_user(teacher).get(f"/tasks/{task.pk}/result")

    content = b"".join(answer)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith(
        'attachment; filename="Class performance '
    )
    assert answer["ETag"] == f'"{task.result["sha256"]}"'
    assert content.count(b"\r\n") == 41
    actions = AccessEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["created", "downloaded"]


@pytest.mark.parametrize(
    "accept", ["text/csv", "*/*", "application/problem+json", "image/png"]
)
def test_result_comes_whatever_is_accepted(as_user, teacher, accept):
    task = made(teacher, format="csv")

    answer = as_user(teacher).get(
        f"/tasks/{task.pk}/result", headers={"Accept": accept}
    )

    assert b"".join(answer).startswith(b"school,class,")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"


def test_result_of_unfinished_task_is_a_conflict_that_says_when(as_user, teacher):
    answer = as_user(teacher).get(f"/tasks/{asked(teacher).pk}/result")

    assert answer.status_code == 409
    assert answer["Retry-After"] == "1"
    assert answer.json()["task"]["state"] == "queued"


def test_result_of_expired_task_is_gone(as_user, teacher):
    task = made(teacher)
    lifecycle.expire(task)

    answer = as_user(teacher).get(f"/tasks/{task.pk}/result")

    assert answer.status_code == 410
    assert as_user(teacher).get(f"/tasks/{task.pk}").json()["state"] == "expired"

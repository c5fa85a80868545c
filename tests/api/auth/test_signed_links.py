import re
from datetime import datetime, timedelta

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from school.models import User
from tasks import artifacts, lifecycle
from tasks.errors import TimedOut
from tasks.models import AccessLogEntry, Task
from tests.support.contract import ContractClient
from tests.support.task_factories import asked, made

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(teacher):
    return made(teacher, format="csv")


@pytest.fixture
def link(teacher, task):
    return link_to(task)


@pytest.fixture
def nobody():
    """A client that sends no header, as a phone's download manager does."""
    return ContractClient()


def link_to(task: Task) -> str:
    client = ContractClient.of(task.requester)
    return client.post_json(f"/tasks/{task.pk}/result/link").json()["url"]


def outcome(answer):
    """What of an answer is the same for equal causes."""
    document = {**answer.json(), "request_id": "", "instance": ""}
    return answer.status_code, document


def test_link_fetches_the_file_without_any_header(nobody, task, link, teacher):
    content = artifacts.read_artifact(task.artifact)

    whole = nobody.get(link)
    part = nobody.get(link, headers={"Range": "bytes=100-"})
    head = nobody.head(link)

    assert b"".join(whole) == content
    assert (part.status_code, b"".join(part)) == (206, content[100:])
    assert (head.content, head["Content-Length"]) == (b"", str(len(content)))


def test_downloads_by_link_are_logged_and_links_are_not(nobody, link, teacher):
    nobody.head(link)
    before = [entry.action for entry in AccessLogEntry.objects.all()]

    nobody.get(link).getvalue()

    entry = AccessLogEntry.objects.first()
    assert before == ["created"]
    assert (entry.action, entry.viewer) == ("downloaded", teacher)


def test_link_says_how_long_it_lives(as_user, teacher, task, settings):
    settings.RESULT_LINK_LIFETIME = timedelta(minutes=7)

    made = as_user(teacher).post_json(f"/tasks/{task.pk}/result/link")

    left = datetime.fromisoformat(made.json()["expires_at"]) - timezone.now()
    assert timedelta(minutes=6, seconds=55) < left <= timedelta(minutes=7)
    assert made["Cache-Control"] == "private, no-store"


def test_link_begins_with_the_public_url(task, settings):
    settings.PUBLIC_URL = "https://reports.example.org"

    begins = f"https://reports.example.org/tasks/{task.pk}/result?link="
    assert link_to(task).startswith(begins)


def altered(link):
    """The token with one character of its first part changed, so that it still decodes."""
    return re.sub(
        "(link=.{4})(.)", lambda m: m[1] + ("A" if m[2] != "A" else "B"), link
    )


@pytest.mark.guarantee("A link is valid only as it was made, and for a limited time.")
def test_link_that_is_not_valid_is_the_same_403_for_every_reason(
    nobody, task, link, teacher, settings
):
    here = f"/tasks/{task.pk}/result?link="
    forged = signing.dumps(
        [teacher.pk, task.result["sha256"]], salt="api.auth.signed_links"
    )
    other = link_to(made(teacher, {"class_id": 2}, format="csv"))
    answers = [
        nobody.get(here),
        nobody.get(f"{here}nonsense"),
        nobody.get(f"{here}a:b:c"),
        nobody.get(f"{here}%00%ff"),
        nobody.get(here + forged),
        nobody.get(here + other.partition("link=")[2]),
        nobody.get(altered(link)),
        nobody.get(f"{link}A"),
    ]
    assert nobody.head(link).status_code == 200
    User.objects.filter(pk=teacher.pk).update(is_active=False)
    answers.append(nobody.get(link))
    User.objects.filter(pk=teacher.pk).update(is_active=True)
    settings.RESULT_LINK_LIFETIME = timedelta(seconds=-1)
    answers.append(nobody.get(link))

    outcomes = [outcome(answer) for answer in answers]
    assert outcomes == outcomes[:1] * 10
    assert (outcomes[0][0], outcomes[0][1]["code"]) == (403, "link_not_valid")
    assert not AccessLogEntry.objects.filter(action="downloaded").exists()


def test_where_there_is_a_link_it_counts(as_user, task, link, teacher, stranger):
    assert as_user(stranger).head(link).status_code == 200
    assert as_user(teacher).get(altered(link)).status_code == 403
    assert Client(headers={"Authorization": "Bearer x"}).head(link).status_code == 200


@pytest.mark.guarantee("A link opens one file only.")
def test_link_opens_nothing_but_the_result(nobody, task, link):
    token = link.partition("?")[2]

    assert nobody.get(f"/tasks/{task.pk}?{token}").status_code == 401
    assert nobody.get(f"/tasks?{token}").status_code == 401
    assert nobody.delete(f"/tasks/{task.pk}?{token}").status_code == 401
    assert nobody.post(f"/tasks/{task.pk}/result/link?{token}").status_code == 401


def test_who_comes_with_nothing_is_asked_for_a_token(nobody, task):
    answer = nobody.get(f"/tasks/{task.pk}/result")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("end", ["queued", "running", "failed", "canceled"])
def test_link_to_what_has_no_file_is_the_result_s_conflict(as_user, teacher, end):
    task = asked(teacher)
    if end == "canceled":
        lifecycle.cancel(task)
    elif end != "queued":
        claimed = lifecycle.claim(task.pk)
        if end == "failed":
            lifecycle.fail(claimed, TimedOut())
    client = as_user(teacher)

    refused = client.post_json(f"/tasks/{task.pk}/result/link")
    result = client.get(f"/tasks/{task.pk}/result")

    assert outcome(refused) == outcome(result)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_result")
    assert refused.get("Retry-After") == result.get("Retry-After")


def test_link_dies_with_its_task(nobody, as_user, task, link, teacher):
    client = as_user(teacher)

    lifecycle.expire(task)
    assert outcome(nobody.get(link))[1]["code"] == "result_expired"
    asked_late = client.post_json(f"/tasks/{task.pk}/result/link")
    assert outcome(asked_late)[1]["code"] == "result_expired"

    assert client.delete(f"/tasks/{task.pk}").status_code == 204
    assert outcome(nobody.get(link)) == outcome(client.get(f"/tasks/{task.pk}/result"))
    assert outcome(nobody.get(link))[1]["code"] == "purged"


@pytest.mark.guarantee("A link opens one file only.")
def test_link_is_to_the_file_it_was_made_for(nobody, task, link):
    Task.objects.update(result=task.result | {"sha256": "0" * 64})

    assert outcome(nobody.get(link))[1]["code"] == "result_expired"

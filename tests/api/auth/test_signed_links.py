import re
from datetime import datetime, timedelta

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from api.auth import signed_links
from school.models import User
from tasks import artifacts, lifecycle
from tasks.failures import TimedOut
from tasks.models import AccessLogEntry, Task
from tasks.status import downloads
from tests.support.contract import ContractClient
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(teacher):
    return run_task(teacher, format="csv")


@pytest.fixture
def link(teacher, task):
    return create_link(task)


@pytest.fixture
def anonymous_client():
    """Client that sends no headers, as a phone's download manager does."""
    return ContractClient()


def create_link(task: Task) -> str:
    client = ContractClient.for_user(task.requester)
    return client.post_json(f"/tasks/{task.pk}/result/link").json()["url"]


def comparable_outcome(response):
    """Return status and problem document without the fields that vary per request."""
    document = {**response.json(), "request_id": "", "instance": ""}
    return response.status_code, document


def test_link_without_headers_returns_the_file(anonymous_client, task, link, teacher):
    content = artifacts.read_artifact(task.artifact)

    whole = anonymous_client.get(link)
    part = anonymous_client.get(link, headers={"Range": "bytes=100-"})
    head = anonymous_client.head(link)

    assert b"".join(whole) == content
    assert (part.status_code, b"".join(part)) == (206, content[100:])
    assert (head.content, head["Content-Length"]) == (b"", str(len(content)))


def test_download_by_link_is_logged_and_link_creation_is_not(
    anonymous_client, link, teacher
):
    anonymous_client.head(link)
    before = [entry.action for entry in AccessLogEntry.objects.all()]

    anonymous_client.get(link).getvalue()

    entry = AccessLogEntry.objects.first()
    assert before == ["created"]
    assert (entry.action, entry.viewer) == ("downloaded", teacher)


def test_link_response_contains_its_expiry(as_user, teacher, task, settings):
    settings.RESULT_LINK_LIFETIME = timedelta(minutes=7)

    response = as_user(teacher).post_json(f"/tasks/{task.pk}/result/link")

    lifetime = datetime.fromisoformat(response.json()["expires_at"]) - timezone.now()
    assert timedelta(minutes=6, seconds=55) < lifetime <= timedelta(minutes=7)
    assert response.json()["expires_in"] == 7 * 60
    assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("size", "minutes"),
    [(0, 5), (32 * 1024 * 60, 6), (1024**3, 5 + 1024 * 32 // 60), (2**40, 24 * 60)],
)
def test_default_lifetime_grows_with_the_file_up_to_a_day(size, minutes):
    lifetime = signed_links.default_lifetime(size)

    assert lifetime // timedelta(minutes=1) == minutes


def test_link_lives_for_the_requested_time(as_user, task):
    link = as_user(task.requester).post_json(
        f"/tasks/{task.pk}/result/link", {"expires_in": 3600}
    )
    token = link.json()["url"].partition("link=")[2]

    expires_at = datetime.fromisoformat(link.json()["expires_at"])
    assert link.json()["expires_in"] == 3600
    assert timedelta(minutes=59) < expires_at - timezone.now() <= timedelta(hours=1)
    claims = signed_links.verify_link(token, task.pk)
    assert claims.expires_at == expires_at.timestamp()


@pytest.mark.parametrize(("seconds", "status"), [(60, 200), (0, 403), (-1, 403)])
def test_link_ends_at_its_expiry(anonymous_client, task, seconds, status):
    viewer = task.requester
    result = downloads.find_result(task.pk, viewer)

    link = signed_links.create_link(result, viewer, timedelta(seconds=seconds))

    assert anonymous_client.head(link.url).status_code == status


def test_link_does_not_outlive_its_file(as_user, task):
    Task.objects.update(expires_at=timezone.now() + timedelta(minutes=2))

    link = as_user(task.requester).post_json(
        f"/tasks/{task.pk}/result/link", {"expires_in": 24 * 60 * 60}
    )

    assert 100 < link.json()["expires_in"] <= 120


@pytest.mark.parametrize(
    "body",
    [
        *({"expires_in": value} for value in (59, 86401, -60, 61.5, "600", True, None)),
        {"expires_at": 60},
        [],
    ],
    ids=str,
)
def test_link_of_other_lifetime_is_refused(as_user, task, body):
    answer = as_user(task.requester).post_json(f"/tasks/{task.pk}/result/link", body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    if isinstance(body, dict):
        (error,) = answer.json()["errors"]
        assert error["pointer"] == f"/{next(iter(body))}"


def test_link_starts_with_the_public_url(task, settings):
    settings.PUBLIC_URL = "https://reports.example.org"

    prefix = f"https://reports.example.org/tasks/{task.pk}/result?link="
    assert create_link(task).startswith(prefix)


def tamper(link):
    """Change one character in the first part of the token, so that it still decodes."""
    return re.sub(
        "(link=.{4})(.)", lambda m: m[1] + ("A" if m[2] != "A" else "B"), link
    )


@pytest.mark.guarantee("A signed link ends with the sessions of its creator.")
def test_link_of_earlier_generation_is_refused(anonymous_client, link, teacher):
    assert anonymous_client.head(link).status_code == 200

    teacher.set_password("new")
    teacher.save()

    assert anonymous_client.get(link).json()["code"] == "link_not_valid"


def test_link_of_former_secret_key_goes_on(anonymous_client, link, settings):
    settings.SECRET_KEY, old_key = "n" * 50, settings.SECRET_KEY
    assert anonymous_client.head(link).status_code == 403

    settings.SECRET_KEY_FALLBACKS = [old_key]

    assert anonymous_client.head(link).status_code == 200


@pytest.mark.parametrize("change", [lambda c: c[:2], lambda c: [*c, 1], lambda c: 5])
def test_well_signed_link_with_other_claims_is_refused(
    anonymous_client, task, link, change
):
    salt = signed_links._salt(task.pk)
    claims = signing.loads(link.partition("link=")[2], salt=salt)
    other = signing.dumps(change(claims), salt=salt)

    answer = anonymous_client.get(f"/tasks/{task.pk}/result?link={other}")

    assert answer.json()["code"] == "link_not_valid"


@pytest.mark.guarantee("A signed link is valid only unmodified and for a limited time.")
def test_invalid_link_returns_the_same_403_for_every_cause(
    anonymous_client, task, link, teacher, settings
):
    prefix_of_result = f"/tasks/{task.pk}/result?link="
    forged = signing.dumps(
        [teacher.pk, task.result["sha256"]], salt="api.auth.signed_links"
    )
    other = create_link(run_task(teacher, {"class_id": 2}, format="csv"))
    answers = [
        anonymous_client.get(prefix_of_result),
        anonymous_client.get(f"{prefix_of_result}nonsense"),
        anonymous_client.get(f"{prefix_of_result}a:b:c"),
        anonymous_client.get(f"{prefix_of_result}%00%ff"),
        anonymous_client.get(prefix_of_result + forged),
        anonymous_client.get(prefix_of_result + other.partition("link=")[2]),
        anonymous_client.get(tamper(link)),
        anonymous_client.get(f"{link}A"),
    ]
    assert anonymous_client.head(link).status_code == 200
    User.objects.filter(pk=teacher.pk).update(is_active=False)
    answers.append(anonymous_client.get(link))
    User.objects.filter(pk=teacher.pk).update(is_active=True)
    answers.append(anonymous_client.get(link))  # its sessions have ended
    settings.RESULT_LINK_LIFETIME = timedelta(seconds=-1)
    answers.append(anonymous_client.get(create_link(task)))

    outcomes = [comparable_outcome(answer) for answer in answers]
    assert outcomes == outcomes[:1] * 11
    assert (outcomes[0][0], outcomes[0][1]["code"]) == (403, "link_not_valid")
    assert not AccessLogEntry.objects.filter(action="downloaded").exists()


def test_link_takes_precedence_over_the_token(as_user, task, link, teacher, stranger):
    assert as_user(stranger).head(link).status_code == 200
    assert as_user(teacher).get(tamper(link)).status_code == 403
    assert Client(headers={"Authorization": "Bearer x"}).head(link).status_code == 200


@pytest.mark.guarantee("A link opens one file only.")
def test_link_to_other_endpoints_is_refused(anonymous_client, task, link):
    token = link.partition("?")[2]

    assert anonymous_client.get(f"/tasks/{task.pk}?{token}").status_code == 401
    assert anonymous_client.get(f"/tasks?{token}").status_code == 401
    assert anonymous_client.delete(f"/tasks/{task.pk}?{token}").status_code == 401
    assert (
        anonymous_client.post(f"/tasks/{task.pk}/result/link?{token}").status_code
        == 401
    )


def test_result_without_link_or_token_returns_401(anonymous_client, task):
    answer = anonymous_client.get(f"/tasks/{task.pk}/result")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("end", ["queued", "running", "failed", "canceled"])
def test_link_to_task_without_file_equals_result_conflict(as_user, teacher, end):
    task = queue_task(teacher)
    if end == "canceled":
        lifecycle.cancel(task)
    elif end != "queued":
        claimed = lifecycle.claim(task.pk)
        if end == "failed":
            lifecycle.fail(claimed, TimedOut())
    client = as_user(teacher)

    refused = client.post_json(f"/tasks/{task.pk}/result/link")
    result = client.get(f"/tasks/{task.pk}/result")

    assert comparable_outcome(refused) == comparable_outcome(result)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_result")
    assert refused.get("Retry-After") == result.get("Retry-After")


def test_link_to_expired_or_purged_task_returns_410(
    anonymous_client, as_user, task, link, teacher
):
    client = as_user(teacher)

    lifecycle.erase(task)
    assert comparable_outcome(anonymous_client.get(link))[1]["code"] == "result_expired"
    late_link = client.post_json(f"/tasks/{task.pk}/result/link")
    assert comparable_outcome(late_link)[1]["code"] == "result_expired"

    assert client.delete(f"/tasks/{task.pk}").status_code == 204
    assert comparable_outcome(anonymous_client.get(link)) == comparable_outcome(
        client.get(f"/tasks/{task.pk}/result")
    )
    assert comparable_outcome(anonymous_client.get(link))[1]["code"] == "purged"


@pytest.mark.guarantee("A link opens one file only.")
def test_link_after_file_changed_is_expired(anonymous_client, task, link):
    Task.objects.update(result=task.result | {"sha256": "0" * 64})

    assert comparable_outcome(anonymous_client.get(link))[1]["code"] == "result_expired"

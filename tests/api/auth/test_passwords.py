"""Change of one's own password, the rules for passwords, and the forced change."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.auth.tokens import access_token_for
from school.models import User
from tests.support.contract import ContractClient
from tests.support.task_factories import run_task

pytestmark = pytest.mark.django_db
REPORT_REQUEST = {"report": "class_performance", "parameters": {"class_id": 1}}
NEW = "quatro cavalos no rio"


def log_in(username="teacher", password="demo"):
    body = {"username": username, "password": password}
    return ContractClient().post_json("/auth/token", body)


def with_token(access):
    return ContractClient(headers={"Authorization": f"Bearer {access}"})


def change(client, current="demo", new=NEW):
    return client.post_json("/auth/password", {"current": current, "new": new})


def refresh(token):
    body = {"refresh": token}
    return ContractClient().post_json("/auth/token/refresh", body).status_code


@pytest.mark.guarantee("A user's own change of the password ends all other sessions.")
def test_changed_password_ends_other_sessions_and_keeps_this_one(teacher):
    here, elsewhere = log_in().json(), log_in().json()

    answer = change(with_token(here["access"]))

    assert answer.status_code == 200
    assert with_token(answer.json()["access"]).get("/tasks").status_code == 200
    assert refresh(answer.json()["refresh"]) == 200
    for old in (here, elsewhere):
        assert with_token(old["access"]).get("/tasks").status_code == 401
        assert refresh(old["refresh"]) == 401
    assert log_in(password="demo").status_code == 401
    assert log_in(password=NEW).status_code == 200


@pytest.mark.guarantee("A password keeps the spaces at its ends at every door.")
def test_password_with_spaces_at_its_ends_is_kept(as_user, client, teacher):
    password = "  senha com espaços "
    User.objects.filter(pk=teacher.pk).update(is_staff=True)

    assert change(as_user(teacher), new=password).status_code == 200

    form = {"username": "teacher", "password": password}
    assert log_in(password=password).status_code == 200
    assert log_in(password=password.strip()).status_code == 401
    assert client.post("/admin/login/", form).status_code == 302


@pytest.mark.parametrize("spelling", [" maria", "maria  ", "ｍａｒｉａ"])
def test_username_is_normalised_alike_at_both_doors(client, network, spelling):
    User.objects.create_user("maria", password="demo", is_staff=True)
    form = {"username": spelling, "password": "demo"}

    assert log_in(spelling).status_code == 200
    assert client.post("/admin/login/", form).status_code == 302


@pytest.mark.parametrize(
    ("current", "new", "errors"),
    [
        ("wrong", NEW, [("/current", "password_incorrect")]),
        ("", NEW, [("/current", "blank")]),
        ("demo", "", [("/new", "blank")]),
        ("demo", "q7#Kx2!", [("/new", "password_too_short")]),
        ("demo", " " * 8, [("/new", "password_too_uniform")]),
        ("demo", "\u00a0\u2003" * 4 + "zkq", [("/new", "password_too_uniform")]),
        ("demo", "AaAaAaAa!", [("/new", "password_too_uniform")]),
        ("demo", "teacherx9", [("/new", "password_too_similar")]),
        ("demo", "password1", [("/new", "password_too_common")]),
        ("demo", "7392048165", [("/new", "password_entirely_numeric")]),
        ("demo", "demo", [("/new", "password_too_short"), ("/new", "password_too_common"), ("/new", "password_unchanged")]),
    ],
)  # fmt: skip
def test_refused_password_points_to_its_member(as_user, teacher, current, new, errors):
    answer = change(as_user(teacher), current, new)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "invalid_request")
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == errors
    assert log_in().status_code == 200


def test_refusal_of_a_password_is_in_portuguese(as_user, teacher):
    details = [
        change(as_user(teacher), new=new).json()["errors"][0]["detail"]
        for new in ("q7#Kx2!", "teacherx9", "password1", "7392048165")
    ]
    english = [
        "This password is too short. It must contain at least 8 characters.",
        "The password is too similar to the username.",
        "This password is too common.",
        "This password is entirely numeric.",
    ]

    assert not set(details) & set(english)
    assert all("senha" in detail.lower() for detail in details)


@pytest.mark.parametrize("is_staff", [False, True])
def test_staff_needs_a_longer_password(is_staff):
    user = User(username="maria", is_staff=is_staff)
    validate_password("k7#Tx2!q9w&z", user)

    if is_staff:
        with pytest.raises(ValidationError):
            validate_password("k7#Tx2!q", user)
    else:
        validate_password("k7#Tx2!q", user)


@pytest.mark.guarantee("Guesses at the present password count as failed log-ins.")
def test_wrong_current_passwords_are_limited(as_user, teacher):
    client = as_user(teacher)
    statuses = [change(client, "wrong").status_code for _ in range(10)]
    last = change(client)

    assert statuses == [400] * 10
    assert (last.status_code, last.json()["code"]) == (429, "throttled")
    assert last["Retry-After"]


def test_refused_new_passwords_do_not_count_as_failures(as_user, teacher):
    client = as_user(teacher)
    statuses = {change(client, new="short").status_code for _ in range(15)}

    assert statuses == {400}
    assert change(client).status_code == 200


def test_change_of_password_needs_a_token(network):
    assert change(ContractClient()).status_code == 401


def test_concurrent_changes_of_one_password_have_one_winner(transactional_db, teacher):
    token = access_token_for(teacher)

    def attempt(number):
        try:
            return change(with_token(token), new=f"{NEW} {number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(8)))

    winners = [n for n, answer in enumerate(answers) if answer.status_code == 200]
    assert len(winners) == 1
    assert {a.status_code for a in answers} <= {200, 400, 401, 429}
    assert log_in(password=f"{NEW} {winners[0]}").status_code == 200
    assert refresh(answers[winners[0]].json()["refresh"]) == 200


@pytest.fixture
def must_change(teacher):
    """Make the teacher choose a new password."""

    def mark():
        user = User.objects.get(pk=teacher.pk)
        user.must_change_password = True
        user.save()

    return mark


@pytest.mark.guarantee("Whoever must change the password can do nothing else first.")
def test_user_who_must_change_the_password_can_only_do_that(teacher, must_change):
    must_change()
    tokens = log_in().json()
    client = with_token(tokens["access"])
    refused = [
        client.get("/tasks"),
        client.get("/reports"),
        client.get("/schools"),
        client.post_json("/reports", REPORT_REQUEST),
        client.post_json("/students/search", {"name": "mari"}),
    ]

    assert [(a.status_code, a.json()["code"]) for a in refused] == [
        (403, "password_change_required")
    ] * len(refused)
    assert client.get("/me").json()["must_change_password"] is True
    assert refresh(tokens["refresh"]) == 200

    new_tokens = change(client).json()

    assert with_token(new_tokens["access"]).get("/tasks").status_code == 200
    assert (
        with_token(new_tokens["access"]).get("/me").json()["must_change_password"]
        is False
    )


def test_user_who_must_change_the_password_can_log_out(teacher, must_change):
    must_change()
    tokens = log_in().json()

    assert with_token(tokens["access"]).post_json("/auth/logout-all").status_code == 204
    assert refresh(tokens["refresh"]) == 401


def test_poll_of_a_user_who_must_change_the_password_is_refused(
    as_user, teacher, must_change, django_capture_on_commit_callbacks
):
    task = run_task(teacher)
    client = as_user(teacher)
    assert client.get(f"/tasks/{task.pk}").status_code == 200
    with CaptureQueriesContext(connection) as queries:
        client.get(f"/tasks/{task.pk}")
    assert len(queries) == 0  # answered from Redis: the mark must reach it

    with django_capture_on_commit_callbacks(execute=True):
        must_change()
    answer = client.get(f"/tasks/{task.pk}")

    assert (answer.status_code, answer.json()["code"]) == (
        403,
        "password_change_required",
    )


def test_check_for_a_forced_change_takes_no_query(as_user, teacher):
    with CaptureQueriesContext(connection) as queries:
        as_user(teacher).get("/reports")

    selects = [q["sql"] for q in queries if "must_change_password" in q["sql"]]
    assert len(selects) == 2  # the test's client, and the authentication


def test_demo_users_keep_their_password(network):
    assert {
        u.check_password("demo") for u in User.objects.filter(username="teacher")
    } == {True}
    assert not User.objects.filter(must_change_password=True).exists()

"""Sessions: rotation of the refresh token, log-out, and their end by a new generation."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from api.auth import sessions, tokens
from school.models import Attachment, RefreshToken, SchoolClass, Session, User
from tasks import redis_store
from tasks.models import Task
from tests.support.contract import ContractClient
from tests.support.task_factories import queue_task, run_task
from tests.support.threads import run_in_threads

pytestmark = pytest.mark.django_db

REPORT_REQUEST = {"report": "class_performance", "parameters": {"class_id": 1}}
PARALLEL = 60


def log_in(username="teacher", password="demo"):
    body = {"username": username, "password": password}
    return ContractClient().post_json("/auth/token", body)


def refresh(token):
    return ContractClient().post_json("/auth/token/refresh", {"refresh": token})


def log_out(token):
    return ContractClient().post_json("/auth/logout", {"refresh": token})


def bearer_client(access):
    return ContractClient(headers={"Authorization": f"Bearer {access}"})


def generation_of(user):
    return User.objects.values_list("session_generation", flat=True).get(pk=user.pk)


def versions_of(user):
    return User.objects.values_list("session_generation", "access_version").get(
        pk=user.pk
    )


def age_tokens(by):
    for token in RefreshToken.objects.exclude(rotated_at=None):
        token.rotated_at -= by
        token.save()


# --- Rotation


def test_refresh_returns_another_pair_that_works(teacher):
    first = log_in().json()

    second = refresh(first["refresh"]).json()

    assert second["refresh"] != first["refresh"]
    assert bearer_client(second["access"]).get("/me").status_code == 200
    assert refresh(second["refresh"]).status_code == 200


@pytest.mark.guarantee(
    "A refresh whose response was lost can be repeated for a minute."
)
def test_refresh_repeated_within_a_minute_returns_the_same_token(teacher):
    first = log_in().json()["refresh"]
    second = refresh(first).json()["refresh"]
    age_tokens(timedelta(seconds=55))

    again = refresh(first)

    assert (again.status_code, again.json()["refresh"]) == (200, second)
    assert refresh(second).status_code == 200


@pytest.mark.guarantee("A refresh token that is used again later ends its session.")
def test_refresh_repeated_after_a_minute_ends_the_session(teacher):
    first = log_in().json()["refresh"]
    second = refresh(first).json()["refresh"]
    other = log_in().json()["refresh"]
    age_tokens(timedelta(seconds=61))

    again = refresh(first)

    assert (again.status_code, again.json()["code"]) == (401, "token_not_valid")
    assert refresh(second).status_code == 401
    assert Session.objects.get(ended_at__isnull=False).end_reason == "token_reused"
    assert refresh(other).status_code == 200


@pytest.mark.guarantee("A refresh token has exactly one successor, whoever races.")
def test_parallel_refreshes_of_one_token_give_one_successor(transactional_db, teacher):
    first = log_in().json()["refresh"]

    answers = run_in_threads([lambda: refresh(first)] * PARALLEL)

    assert {answer.status_code for answer in answers} == {200}
    (successor,) = {answer.json()["refresh"] for answer in answers}
    assert RefreshToken.objects.filter(rotated_at=None).count() == 1
    assert RefreshToken.objects.count() == 2
    assert refresh(successor).status_code == 200


@pytest.mark.guarantee("A refresh beside a log-out does not survive it.")
@pytest.mark.parametrize("end", ["log_out", "end_sessions"])
def test_refreshes_that_race_a_log_out_do_not_survive(transactional_db, teacher, end):
    first = log_in().json()["refresh"]

    def finish():
        if end == "log_out":
            return log_out(first)
        return User.objects.get(pk=teacher.pk).end_sessions()

    calls = [lambda: refresh(first)] * PARALLEL
    calls.insert(PARALLEL // 4, finish)
    answers = run_in_threads(calls)
    del answers[PARALLEL // 4]
    survivors = {a.json()["refresh"] for a in answers if a.status_code == 200}

    assert {answer.status_code for answer in answers} <= {200, 401}
    assert len(survivors) <= 1
    assert {refresh(token).status_code for token in {first, *survivors}} == {401}


def test_chain_of_refreshes_has_one_live_token(teacher):
    token = log_in().json()["refresh"]
    for _ in range(3):
        token = refresh(token).json()["refresh"]

    live = RefreshToken.objects.get(rotated_at=None)

    assert tokens.verify_refresh(token).jti == live.jti
    with pytest.raises(IntegrityError), transaction.atomic():
        RefreshToken.objects.update(rotated_at=None)


@pytest.mark.guarantee("No token is stored.")
def test_database_contains_no_token(teacher):
    pair = log_in().json()
    signatures = [pair[name].rpartition(".")[2] for name in ("access", "refresh")]
    stored = str([*Session.objects.values(), *RefreshToken.objects.values()])

    assert str(tokens.verify_refresh(pair["refresh"]).jti) in stored.replace("'", "")
    assert not [signature for signature in signatures if signature in stored]


@pytest.mark.guarantee("A session has a longest life, however often it is refreshed.")
def test_session_past_its_longest_life_is_refused(teacher, settings):
    settings.SESSION_MAX_LIFETIME = timedelta(days=3)
    token = log_in().json()["refresh"]
    claims = tokens.verify_refresh(token)
    assert claims.exp - claims.iat == 3 * 24 * 3600  # not the 14 days of a token
    second = refresh(token).json()["refresh"]
    assert tokens.verify_refresh(second).exp == claims.exp

    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert refresh(second).status_code == 401
    assert refresh(token).status_code == 401


@pytest.mark.guarantee("A refresh token that is used again later ends its session.")
def test_reuse_of_token_without_row_ends_the_session(teacher):
    family = [log_in().json()["refresh"]]
    for _ in range(4):
        family.append(refresh(family[-1]).json()["refresh"])
        age_tokens(timedelta(seconds=61))
    assert RefreshToken.objects.count() == 2  # the current token and the one before

    assert refresh(family[0]).status_code == 401

    assert Session.objects.get().end_reason == "token_reused"
    assert refresh(family[-1]).status_code == 401


def test_each_used_token_gives_its_own_successor_for_a_minute(teacher):
    family = [log_in().json()["refresh"]]
    for _ in range(3):
        family.append(refresh(family[-1]).json()["refresh"])

    successors = [refresh(token).json()["refresh"] for token in family[:3]]

    assert successors == family[1:]
    assert RefreshToken.objects.count() == 4


# --- Log-out


@pytest.mark.guarantee("A log-out ends the whole session.")
@pytest.mark.parametrize("position", [0, 1, 2])
def test_logout_with_any_token_of_the_session_ends_it(teacher, position):
    family = [log_in().json()["refresh"]]
    for _ in range(2):
        family.append(refresh(family[-1]).json()["refresh"])

    out = log_out(family[position])

    assert out.status_code == 204
    assert [refresh(token).status_code for token in family] == [401] * 3
    assert Session.objects.get().end_reason == "logged_out"


def test_logout_can_be_repeated(teacher):
    token = log_in().json()["refresh"]

    assert [log_out(token).status_code for _ in range(2)] == [204, 204]


def test_logout_leaves_other_sessions(teacher):
    token, other = log_in().json()["refresh"], log_in().json()["refresh"]
    log_out(token)

    assert refresh(other).status_code == 200


@pytest.mark.guarantee("Log out everywhere ends sessions, tokens and links at once.")
def test_logout_all_ends_everything_of_the_user(
    teacher, stranger, as_user, django_capture_on_commit_callbacks
):
    task = run_task(teacher)
    pairs = [log_in().json() for _ in range(2)]
    link = as_user(teacher).post_json(f"/tasks/{task.pk}/result/link").json()["url"]
    admin_client = Client()
    User.objects.update(is_staff=True)
    admin_client.force_login(User.objects.get(pk=teacher.pk))
    other = log_in("stranger").json()
    clients = [bearer_client(pair["access"]) for pair in pairs]
    path = f"/tasks/{task.pk}"
    assert clients[1].get(path).status_code == 200
    assert admin_client.get("/admin/").status_code == 200

    with django_capture_on_commit_callbacks(execute=True):
        answer = clients[0].post("/auth/logout-all")

    assert (answer.status_code, answer.content) == (204, b"")
    for client, pair in zip(clients, pairs, strict=True):
        assert refresh(pair["refresh"]).status_code == 401
        assert client.post_json("/reports", REPORT_REQUEST).status_code == 401
        assert client.get(f"{path}/result").status_code == 401
        assert client.get(path).status_code == 401
    assert ContractClient().get(link).status_code == 403
    assert admin_client.get("/admin/").status_code == 302
    assert bearer_client(other["access"]).get("/me").status_code == 200
    assert refresh(other["refresh"]).status_code == 200
    assert refresh(log_in().json()["refresh"]).status_code == 200


@pytest.mark.guarantee("A poll of an ended session is refused within a minute.")
def test_poll_of_ended_session_without_redis_event_is_refused(teacher):
    task = run_task(teacher)
    client = bearer_client(log_in().json()["access"])
    assert client.get(f"/tasks/{task.pk}").status_code == 200
    # As if Redis had been away: the version in Redis is the old one for a minute.
    User.objects.get(pk=teacher.pk).end_sessions()
    assert client.get(f"/tasks/{task.pk}").status_code == 200

    redis_store.client().delete(f"access-version:{teacher.pk}")  # it expires

    assert client.get(f"/tasks/{task.pk}").status_code == 401


# --- Generation


@pytest.mark.guarantee("A new password or a disabled account ends all sessions.")
@pytest.mark.parametrize(
    "change",
    [
        lambda user: (user.set_password("new"), user.save()),
        lambda user: (user.set_password("new"), user.save(update_fields=["password"])),
        lambda user: (setattr(user, "is_active", False), user.save()),
        lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user: User.objects.filter(pk=user.pk).update(
            password=make_password("new")
        ),
        lambda user: (
            user.set_password("new"),
            User.objects.bulk_update([user], ["password", "first_name"]),
        ),
        lambda user: user.end_sessions(),
    ],
    ids=["save", "save_fields", "disable", "update", "update_hash", "bulk", "end"],
)
def test_generation_rises_with_password_and_state(teacher, stranger, change):
    token = log_in().json()["refresh"]
    before, before_of_other = versions_of(teacher), versions_of(stranger)

    change(User.objects.get(pk=teacher.pk))

    assert versions_of(teacher) == (before[0] + 1, before[1] + 1)
    assert versions_of(stranger) == before_of_other
    User.objects.filter(pk=teacher.pk).update(is_active=True)
    assert refresh(token).status_code == 401


def test_generation_does_not_rise_otherwise(teacher):
    token = log_in().json()["refresh"]
    before = generation_of(teacher)

    attachment = Attachment.objects.create(
        user=teacher, school_class=SchoolClass.objects.get(pk=4)
    )
    attachment.delete()
    user = User.objects.get(pk=teacher.pk)
    user.role, user.email = "staff", "new@example.org"
    user.save()
    user.save(update_fields=["last_login"])
    User.objects.filter(pk=teacher.pk).update(is_active=True, password=user.password)
    User.objects.bulk_update([user], ["is_active", "password"])

    assert generation_of(teacher) == before
    assert refresh(token).status_code == 200


def test_outdated_object_does_not_lower_the_generation(teacher):
    outdated = User.objects.get(pk=teacher.pk)
    teacher.end_sessions()

    outdated.first_name = "Ana"
    outdated.save()

    assert generation_of(teacher) == teacher.session_generation


def test_generation_on_the_object_is_current_after_save(teacher):
    teacher.set_password("new")
    teacher.save()

    assert versions_of(teacher) == (
        teacher.session_generation,
        teacher.access_version,
    )


OTHER_HASHER = "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher"


@pytest.fixture
def other_hasher(settings):
    """A hasher to which log-ins convert the stored hashes."""
    settings.PASSWORD_HASHERS = [OTHER_HASHER, *settings.PASSWORD_HASHERS]


@pytest.mark.guarantee("A rehash at log-in ends no session.")
def test_rehash_at_login_keeps_other_sessions(teacher, other_hasher):
    token, old_hash = sessions.start(teacher).refresh, teacher.password
    before = versions_of(teacher)

    assert log_in().status_code == 200

    teacher.refresh_from_db()
    assert teacher.password.startswith("pbkdf2_sha1")
    assert teacher.password != old_hash
    assert versions_of(teacher) == before
    assert refresh(token).status_code == 200
    assert log_in().status_code == 200


def test_rehash_does_not_restore_a_password_changed_meanwhile(teacher, other_hasher):
    outdated = User.objects.get(pk=teacher.pk)
    teacher.set_password("new")
    teacher.save()

    assert outdated.check_password("demo")  # as a log-in that began before the change

    assert User.objects.get(pk=teacher.pk).check_password("new")


def test_login_that_began_before_a_new_password_gives_no_session(teacher):
    outdated = User.objects.get(pk=teacher.pk)
    teacher.set_password("new")
    teacher.save()

    pair = sessions.start(outdated)

    assert refresh(pair.refresh).status_code == 401
    assert bearer_client(pair.access).get("/me").status_code == 401


def test_own_password_change_in_the_admin_keeps_that_session_only(teacher):
    User.objects.filter(pk=teacher.pk).update(is_staff=True)
    clients = [Client(), Client()]
    for client in clients:
        client.force_login(User.objects.get(pk=teacher.pk))
    password = uuid.uuid4().hex

    answer = clients[0].post(
        "/admin/password_change/",
        {"old_password": "demo", "new_password1": password, "new_password2": password},
    )

    assert answer.status_code == 302
    statuses = [client.get("/admin/").status_code for client in clients]
    assert statuses == [200, 302]


def test_admin_session_of_former_secret_key_goes_on(teacher, settings):
    User.objects.filter(pk=teacher.pk).update(is_staff=True)
    client = Client()
    client.force_login(User.objects.get(pk=teacher.pk))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "n" * 50

    assert client.get("/admin/").status_code == 200


def test_submit_with_token_of_earlier_generation_makes_no_task(teacher):
    client = bearer_client(log_in().json()["access"])
    queue_task(teacher)
    User.objects.filter(pk=teacher.pk).update(password=make_password("new"))

    assert client.post_json("/reports", REPORT_REQUEST).status_code == 401
    assert Task.objects.count() == 1

"""Reports that show more than the enrolments asked for: of pupils who moved, to whom of what."""

import json
import uuid

import pytest

from school.models import Attachment, PriorSubject, PriorYear, Role, School, User
from tasks.reporting import registry
from tasks.worker.tasks import generate_report
from tests.api.access_matrix.actions import ON_TASK, all_of, told
from tests.api.access_matrix.expected_access import KINDS
from tests.support.contract import ContractClient

pytestmark = pytest.mark.django_db

OF_ENROLMENTS = {"class_performance", "data_export"}
"""They show what belongs to the enrolments that are asked for, and look no further."""
# Student 67 went from class 3 to class 4, of another school; 17 from class 1 to class 2.
MOVED = [
    *((kind, Role.STAFF, [2, 3], 4) for kind in sorted(KINDS.keys() - OF_ENROLMENTS)),
    *(
        (kind, Role.TEACHER, [1, 2], 2)
        for kind, roles in KINDS.items()
        if "teacher" in roles and kind not in OF_ENROLMENTS
    ),
]
"""A kind, who asks for it, attached to which old and new school or class, and the new class."""
TARGETS = {Role.STAFF: "school_id", Role.TEACHER: "school_class_id"}
READING = [name for name in ON_TASK if name not in {"cancel", "delete"}]


def member(role, ids):
    user = User.objects.create(username="member", role=role, access_version=9)
    for id in ids:
        attach(user, id)
    return user


def attach(user, id):
    Attachment.objects.create(user=user, **{TARGETS[user.role]: id})


@pytest.fixture
def detach(django_capture_on_commit_callbacks):
    """Take the right away, and let Redis hear of it as it does after a commit."""

    def detach(user, id):
        with django_capture_on_commit_callbacks(execute=True):
            Attachment.objects.get(user=user, **{TARGETS[user.role]: id}).delete()

    return detach


def ask(client, kind, parameters):
    answer = client.post_json("/reports", {"report": kind, "parameters": parameters})
    assert told(answer) == "202"
    return uuid.UUID(answer.json()["task_id"])


def made(client, kind, parameters):
    task = ask(client, kind, parameters)
    generate_report(str(task))
    return task


def rows_of(client, task):
    return json.loads(ON_TASK["result"].by(client, task).getvalue())


def told_of(client, task):
    return {name: told(ON_TASK[name].by(client, task)) for name in READING}


def is_as_none(client, task):
    none = uuid.uuid4()
    for name in READING:
        lost, of_none = (ON_TASK[name].by(client, id) for id in (task, none))
        assert all_of(lost, task) == all_of(of_none, none), name
    return str(task) not in client.get("/tasks").content.decode()


def test_every_kind_that_reaches_further_is_here():
    reaching = {
        kind
        for kind, report in registry.report_classes().items()
        if kind in KINDS and report.reach.name != "ASKED"
    }

    assert {kind for kind, *_rest in MOVED} == reaching


@pytest.mark.guarantee(
    "Losing the right to records that a report reached hides the report."
)
@pytest.mark.parametrize(("kind", "role", "ids", "class_id"), MOVED)
def test_what_was_reached_by_a_right_that_is_lost_is_lost(
    people, detach, kind, role, ids, class_id
):
    user = member(role, ids)
    client = ContractClient.of(user)
    task = made(client, kind, {"class_id": class_id})
    assert told_of(client, task)["result"] == "200"

    detach(user, ids[0])

    assert is_as_none(client, task)
    assert is_as_none(ContractClient.of(user), task)


@pytest.mark.parametrize(("kind", "role", "ids", "class_id"), MOVED)
def test_right_that_nothing_was_reached_by_is_not_missed(
    people, detach, kind, role, ids, class_id
):
    user = member(role, ids[1:])
    elsewhere = {Role.STAFF: 1, Role.TEACHER: 4}[role]
    attach(user, elsewhere)
    client = ContractClient.of(user)
    task = made(client, kind, {"class_id": class_id})

    detach(user, elsewhere)

    assert told_of(client, task)["result"] == "200"


@pytest.mark.parametrize(("kind", "role", "ids", "class_id"), MOVED)
def test_what_was_to_be_reached_is_not_made_once_the_right_is_lost(
    people, detach, kind, role, ids, class_id
):
    user = member(role, ids)
    client = ContractClient.of(user)
    task = ask(client, kind, {"class_id": class_id})

    detach(user, ids[0])
    generate_report(str(task))

    assert is_as_none(client, task)
    attach(user, ids[0])
    document = ContractClient.of(user).get(f"/tasks/{task}").json()
    assert (document["state"], document["error"]["code"]) == ("failed", "forbidden")


@pytest.mark.parametrize(("kind", "role", "ids", "class_id"), MOVED)
def test_right_gained_before_it_was_made_counts_when_it_is_lost(
    people, detach, kind, role, ids, class_id
):
    user = member(role, ids[1:])
    task = ask(ContractClient.of(user), kind, {"class_id": class_id})
    attach(user, ids[0])
    generate_report(str(task))
    client = ContractClient.of(user)
    assert told_of(client, task)["result"] == "200"

    detach(user, ids[0])

    assert is_as_none(client, task)


def card_of_67(client, **asked):
    task = made(client, "report_card", {"student_id": 67, **asked})
    return [
        (row["class"], *(row[f"term_{n}"] is not None for n in range(1, 5)))
        for row in rows_of(client, task)
        if row["subject"] == "Arte"
    ]


def test_card_of_who_moved_has_what_its_viewer_may_see(people, clients):
    old, new = "2º ano, turma 3", "2º ano, turma 4"
    Attachment.objects.create(user=people["guardian"], student_id=67)
    guardian = ContractClient.of(people["guardian"])

    assert card_of_67(clients["stranger"], year=2026) == [(old, True, True, False, False)]  # fmt: skip
    assert card_of_67(clients["neighbour"], year=2026) == [(new, False, False, True, True)]  # fmt: skip
    for client in (guardian, clients["administrator"]):
        assert card_of_67(client, year=2026) == [(new, True, True, True, True)]
        assert card_of_67(client, class_id=3) == [(old, True, True, False, False)]


def test_teacher_of_the_old_class_alone_sees_nothing_of_the_new(people, clients):
    for kind in ("report_card", "attendance_summary"):
        task = made(clients["colleague"], kind, {"student_id": 17, "year": 2026})
        classes = {row["class"] for row in rows_of(clients["colleague"], task)}
        assert classes == {"1º ano, turma 1"}


def transcript_of_67(client):
    task = made(client, "transcript", {"student_id": 67, "year": 2026})
    return {
        (row["year"], row["school"], row["term_1"] is not None, row["term_4"] is not None)
        for row in rows_of(client, task)
        if row["subject"] in {"Arte", "Alquimia"}
    }  # fmt: skip


@pytest.mark.guarantee(
    "An old school sees nothing of a student's new school in a transcript."
)
def test_transcript_of_the_new_school_has_all_and_that_of_the_old_one_its_part(
    people, clients
):
    for year in (2025, 2027):  # with the papers of another network
        prior = PriorYear.objects.create(
            student_id=67, year=year, grade_level="1º ano", school="Fora", result="Apto"
        )
        PriorSubject.objects.create(prior_year=prior, subject="Alquimia", grade="9")
    old, new = (School.objects.get(pk=id).name for id in (2, 3))
    before, after = ("2025", "Fora", False, False), ("2027", "Fora", False, False)

    assert transcript_of_67(clients["stranger"]) == {before, ("2026", old, True, False)}
    for name in ("neighbour", "administrator"):
        assert transcript_of_67(clients[name]) == {
            before,
            ("2026", new, True, True),
            after,
        }

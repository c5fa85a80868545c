"""Reports that reach beyond the selected enrolments, for students who moved."""

import json
import uuid

import pytest

from school.models import Attachment, Role, School, Student, User
from tasks.reporting import registry
from tasks.worker.tasks import generate_report
from tests.api.access_matrix.actions import (
    TASK_ACTIONS,
    comparable_response,
    outcome_of,
)
from tests.support.contract import ContractClient
from tests.support.school_factory import create_prior_year
from tests.tasks.reports.figures.expected import ALLOWED_ROLES, EXPECTED

pytestmark = pytest.mark.django_db

REACHING_KINDS = [
    kind for kind, expected in EXPECTED.items() if expected.reach != "SELECTED"
]
# Student 67 moved from class 3 to class 4 of another school; 17 from class 1 to class 2.
REACH_CASES = [
    (kind, role, ids, class_id)
    for role, ids, class_id in ((Role.STAFF, [2, 3], 4), (Role.TEACHER, [1, 2], 2))
    for kind in REACHING_KINDS
    if role in ALLOWED_ROLES[kind]
]
"""Kind, role of the requester, ids of the old and the new school or class, new class."""
TARGETS = {Role.STAFF: "school_id", Role.TEACHER: "school_class_id"}
READ_ACTIONS = [name for name in TASK_ACTIONS if name not in {"cancel", "delete"}]


def create_viewer(role, ids):
    user = User.objects.create(username="viewer", role=role, access_version=9)
    for id in ids:
        attach_by_role(user, id)
    return user


def attach_by_role(user, id):
    Attachment.objects.create(user=user, **{TARGETS[user.role]: id})


@pytest.fixture
def detach_by_role(django_capture_on_commit_callbacks):
    """Function that removes an attachment and runs the callbacks of the commit."""

    def detach_by_role(user, id):
        with django_capture_on_commit_callbacks(execute=True):
            Attachment.objects.get(user=user, **{TARGETS[user.role]: id}).delete()

    return detach_by_role


def submit(client, kind, parameters):
    parameters = {**parameters, **EXPECTED[kind].required_parameters}
    response = client.post_json("/reports", {"report": kind, "parameters": parameters})
    assert outcome_of(response) == "202"
    return uuid.UUID(response.json()["task_id"])


def submit_and_run(client, kind, parameters):
    task_id = submit(client, kind, parameters)
    generate_report(str(task_id))
    return task_id


def fetch_rows(client, task_id):
    return json.loads(TASK_ACTIONS["result"].send(client, task_id).getvalue())


def read_outcomes(client, task_id):
    return {
        name: outcome_of(TASK_ACTIONS[name].send(client, task_id))
        for name in READ_ACTIONS
    }


def assert_looks_missing(client, task_id):
    missing_id = uuid.uuid4()
    for name in READ_ACTIONS:
        lost, missing = (
            TASK_ACTIONS[name].send(client, id) for id in (task_id, missing_id)
        )
        assert comparable_response(lost, task_id) == comparable_response(
            missing, missing_id
        ), name
    assert str(task_id) not in client.get("/tasks").content.decode()


def test_reach_cases_contain_every_reaching_kind():
    reaching = {
        kind
        for kind, report in registry.report_classes().items()
        if kind in ALLOWED_ROLES and report.reach.name != "SELECTED"
    }

    assert {kind for kind, *_rest in REACH_CASES} == reaching


@pytest.mark.guarantee(
    "Losing the right to records that a report reached hides the report."
)
@pytest.mark.parametrize(("kind", "role", "ids", "class_id"), REACH_CASES)
def test_report_after_loss_of_reached_right_looks_missing(
    users, detach_by_role, kind, role, ids, class_id
):
    user = create_viewer(role, ids)
    client = ContractClient.for_user(user)
    task_id = submit_and_run(client, kind, {"class_id": class_id})
    assert read_outcomes(client, task_id)["result"] == "200"

    detach_by_role(user, ids[0])

    assert_looks_missing(client, task_id)
    assert_looks_missing(ContractClient.for_user(user), task_id)


@pytest.mark.parametrize(("kind", "role", "ids", "class_id"), REACH_CASES)
def test_report_after_loss_of_unused_right_stays_readable(
    users, detach_by_role, kind, role, ids, class_id
):
    user = create_viewer(role, ids[1:])
    elsewhere = {Role.STAFF: 1, Role.TEACHER: 4}[role]
    attach_by_role(user, elsewhere)
    client = ContractClient.for_user(user)
    task_id = submit_and_run(client, kind, {"class_id": class_id})

    detach_by_role(user, elsewhere)

    assert read_outcomes(client, task_id)["result"] == "200"


@pytest.mark.parametrize(("kind", "role", "ids", "class_id"), REACH_CASES)
def test_report_of_right_lost_before_run_fails_forbidden(
    users, detach_by_role, kind, role, ids, class_id
):
    user = create_viewer(role, ids)
    client = ContractClient.for_user(user)
    task_id = submit(client, kind, {"class_id": class_id})

    detach_by_role(user, ids[0])
    generate_report(str(task_id))

    assert_looks_missing(client, task_id)
    attach_by_role(user, ids[0])
    document = ContractClient.for_user(user).get(f"/tasks/{task_id}").json()
    assert (document["state"], document["error"]["code"]) == ("failed", "forbidden")


@pytest.mark.parametrize(("kind", "role", "ids", "class_id"), REACH_CASES)
def test_report_after_loss_of_right_gained_before_run_hides(
    users, detach_by_role, kind, role, ids, class_id
):
    user = create_viewer(role, ids[1:])
    task_id = submit(ContractClient.for_user(user), kind, {"class_id": class_id})
    attach_by_role(user, ids[0])
    generate_report(str(task_id))
    client = ContractClient.for_user(user)
    assert read_outcomes(client, task_id)["result"] == "200"

    detach_by_role(user, ids[0])

    assert_looks_missing(client, task_id)


def fetch_card_of_67(client, **parameters):
    task_id = submit_and_run(client, "report_card", {"student_id": 67, **parameters})
    return [
        (row["class"], *(row[f"term_{n}"] is not None for n in range(1, 5)))
        for row in fetch_rows(client, task_id)
        if row["subject"] == "Arte"
    ]


def test_report_card_of_moved_student_has_what_came_before(users, clients):
    old, new = "2º ano, turma 3", "2º ano, turma 4"
    Attachment.objects.create(user=users["guardian"], student_id=67)
    guardian = ContractClient.for_user(users["guardian"])

    assert fetch_card_of_67(clients["stranger"], year=2026) == [(old, True, True, False, False)]  # fmt: skip
    assert fetch_card_of_67(clients["neighbour"], year=2026) == [(new, True, True, True, True)]  # fmt: skip
    for client in (guardian, clients["administrator"]):
        assert fetch_card_of_67(client, year=2026) == [(new, True, True, True, True)]
        assert fetch_card_of_67(client, class_id=3) == [(old, True, True, False, False)]


def test_report_for_teacher_of_old_class_omits_new_class(users, clients):
    for kind in ("report_card", "attendance_summary"):
        task_id = submit_and_run(
            clients["colleague"], kind, {"student_id": 17, "year": 2026}
        )
        classes = {row["class"] for row in fetch_rows(clients["colleague"], task_id)}
        assert classes == {"1º ano, turma 1"}


def fetch_transcript_of_67(client):
    task_id = submit_and_run(client, "transcript", {"student_id": 67, "year": 2026})
    return {
        (row["year"], row["school"], row["term_1"] is not None, row["term_4"] is not None)
        for row in fetch_rows(client, task_id)
        if row["subject"] in {"Arte", "Alquimia"}
    }  # fmt: skip


@pytest.mark.guarantee(
    "An old school sees nothing of a student's new school in a transcript."
)
def test_transcript_for_old_school_omits_new_school(users, clients):
    for year in (2025, 2027):  # prior years of another network
        student = Student.objects.get(pk=67)
        create_prior_year(student, year, [("Alquimia", "9", None)], school="Fora")
    old, new = (School.objects.get(pk=id).name for id in (2, 3))
    before, after = ("2025", "Fora", False, False), ("2027", "Fora", False, False)

    assert fetch_transcript_of_67(clients["stranger"]) == {
        before,
        ("2026", old, True, False),
    }
    for name in ("neighbour", "administrator"):
        assert fetch_transcript_of_67(clients[name]) == {
            before,
            ("2026", new, True, True),
            after,
        }

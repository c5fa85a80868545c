"""Who comes in by which door, and what each finds there of schools, classes and students."""

import uuid

import pytest

from school.models import Attachment, Enrolment
from tests.api.access_matrix.actions import (
    ELSEWHERE,
    ON_TASK,
    OPEN_TO_ALL,
    all_of,
    routes,
    told,
)
from tests.api.access_matrix.expected_access import ROLES, SEES, enrolments_of
from tests.support.task_factories import made

pytestmark = pytest.mark.django_db

OUT = {
    "anonymous": "not_authenticated",
    "forger": "token_not_valid",
    "disabled": "token_not_valid",
    "deleted": "token_not_valid",
}
"""Who is let in nowhere, and what each is told."""


@pytest.mark.guarantee("Every route is in the matrix of rights.")
def test_every_route_is_in_the_matrix():
    asked = {
        (action.method, action.route)
        for action in (*ON_TASK.values(), *ELSEWHERE.values())
        if action.method != "HEAD"
    }

    assert asked | OPEN_TO_ALL == routes()
    assert not asked & OPEN_TO_ALL


@pytest.mark.guarantee("Disabled and deleted users get the same answer everywhere.")
@pytest.mark.parametrize("name", OUT)
def test_who_is_out_is_told_the_same_everywhere(people, clients, name):
    task = made(people["secretary"])

    for action in (*ON_TASK.values(), *ELSEWHERE.values()):
        answer = action.by(clients[name], task.pk)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert told(answer) == ("401" if action.method == "HEAD" else OUT[name])


def found(client, what, key):
    page = ELSEWHERE[what].by(client).json()
    return {entry[key] for entry in page["results"]}


@pytest.mark.guarantee(
    "A search finds students only in the classes that the viewer sees."
)
@pytest.mark.parametrize("name", SEES)
def test_each_finds_what_is_theirs(people, clients, name):
    client = clients[name]
    _q, schools, classes = SEES[name]
    theirs = enrolments_of(name, {})

    in_classes = {
        student["student_id"]: {entry["class_id"] for entry in student["classes"]}
        for student in pages(client)
    }

    assert found(client, "schools", "school_id") == schools
    assert found(client, "classes", "class_id") == classes
    assert in_classes == {
        id: set(theirs.filter(student=id).values_list("school_class", flat=True))
        for id in theirs.values_list("student", flat=True)
    }
    assert client.get("/me").json()["roles"] == [ROLES[name]]


def pages(client):
    """The students of all pages."""
    cursor = {}
    while True:
        page = client.post_json("/students/search", {"page_size": 60, **cursor}).json()
        yield from page["results"]
        if page["next"] is None:
            return
        cursor = {"cursor": page["next"]}


@pytest.mark.guarantee(
    "A filter that names somebody else's record is refused like one that names none."
)
@pytest.mark.parametrize("name", SEES)
def test_what_others_see_is_as_what_is_not_there(people, clients, name):
    client = clients[name]
    schools, classes = {1, 2, 3, 4} - SEES[name][1], {1, 2, 3, 4, 5} - SEES[name][2]

    def search(**wanted):
        return all_of(client.post_json("/students/search", wanted), uuid.uuid4())

    for id in schools:
        of_others, of_none = (
            client.get("/classes", {"school_id": n}) for n in (id, 99)
        )
        assert all_of(of_others, uuid.uuid4()) == all_of(of_none, uuid.uuid4())
        assert search(school_id=id) == search(school_id=99)
    for id in classes:
        assert search(class_id=id) == search(class_id=99)
    hidden = Enrolment.objects.exclude(
        student__in=enrolments_of(name, {}).values("student")
    )
    for student in {enrolment.student for enrolment in hidden.filter(pk__gt=90)}:
        assert search(
            registration=student.registration, name=student.display_name
        ) == search(registration="none", name=student.display_name)


GONE = {
    "administrator": [set(), set(), set()],
    "secretary": [set(), set(), set()],
    "teacher": [{1}, {2}, {*range(26, 51), 17}],
    "guardian": [{1}, {2}, {27}],
}
"""What is left of schools, classes and students once the first attachment is taken away."""


@pytest.mark.parametrize("name", GONE)
def test_what_was_taken_away_is_found_no_more(people, clients, name):
    Attachment.objects.filter(user=people[name]).order_by("pk")[0].delete()
    client = clients[name]

    assert [
        found(client, "schools", "school_id"),
        found(client, "classes", "class_id"),
        {student["student_id"] for student in pages(client)},
    ] == GONE[name]
    scope = client.get("/me").json()["scope"]
    assert sum(map(len, [v for v in scope.values() if isinstance(v, list)])) == len(
        [ids for ids in GONE[name][:1] if ids]
    )

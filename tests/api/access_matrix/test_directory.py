"""Authentication of every route, and what each user finds in the directory."""

import uuid

import pytest
from django.test import Client

from api.views.directory_filters import ClassFilter
from school.models import Attachment, Enrolment, SchoolClass
from tests.api.access_matrix.actions import (
    OTHER_ACTIONS,
    PUBLIC_ROUTES,
    TASK_ACTIONS,
    TASK_VARIANTS,
    comparable_response,
    list_routes,
    outcome_of,
)
from tests.api.access_matrix.expected_access import (
    EXPECTED_ACCESS,
    ROLES,
    expected_enrolments,
)
from tests.support.task_factories import run_task

pytestmark = pytest.mark.django_db

UNAUTHENTICATED = {
    "anonymous": "not_authenticated",
    "forger": "token_not_valid",
    "disabled": "token_not_valid",
    "deleted": "token_not_valid",
}
"""Clients that are refused everywhere, and the problem code that each receives."""


@pytest.mark.guarantee("Every route is in the access matrix.")
def test_routes_are_all_in_the_matrix():
    requests = {
        (action.method, action.route)
        for action in (*TASK_ACTIONS.values(), *OTHER_ACTIONS.values())
        if action.method != "HEAD"
    }

    assert requests | PUBLIC_ROUTES == list_routes()
    assert not requests & PUBLIC_ROUTES


def test_routes_of_records_all_have_ids_to_try():
    paths = {
        route.partition("/<int:")[0]
        for _method, route in list_routes()
        if "<int:" in route
    }

    assert paths == RECORDS.keys()


@pytest.mark.guarantee("A route that needs no token answers everybody alike.")
@pytest.mark.parametrize("route", sorted(r for m, r in PUBLIC_ROUTES if m == "GET"))
def test_public_route_answers_everybody_alike(users, tokens, route):
    path = f"/{route.replace('<slug:code>', 'not_found')}"
    anonymous = comparable_response(Client().get(path), uuid.uuid4())

    assert anonymous[0] not in {401, 403}
    for token in [*tokens.values(), "forged"]:
        client = Client(headers={"Authorization": f"Bearer {token}"})
        assert comparable_response(client.get(path), uuid.uuid4()) == anonymous


@pytest.mark.guarantee("Disabled and deleted users get the same answer everywhere.")
@pytest.mark.parametrize("name", UNAUTHENTICATED)
def test_unauthenticated_client_gets_401_everywhere(users, clients, name):
    task = run_task(users["secretary"])

    actions = {**TASK_ACTIONS, **TASK_VARIANTS, **OTHER_ACTIONS}
    for action in actions.values():
        # A plain client: the contract does not describe the pages for browsers.
        answer = action.send(Client(**clients[name].defaults), task.pk)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        has_code = answer["Content-Type"] == "application/problem+json"
        assert outcome_of(answer) == (
            UNAUTHENTICATED[name] if has_code and action.method != "HEAD" else "401"
        )


def list_ids(client, action, key):
    page = OTHER_ACTIONS[action].send(client).json()
    return {entry[key] for entry in page["results"]}


def school_years(classes):
    return {2 if pk == 5 else 1 for pk in classes}


def grade_levels(classes):
    """Return the levels of the demo network's classes: two classes have level 1, two level 2."""
    return {1 if pk in {1, 2} else 2 for pk in classes if pk < 5}


@pytest.mark.guarantee(
    "A search finds students only in the classes that the viewer sees."
)
@pytest.mark.parametrize("name", EXPECTED_ACCESS)
def test_directory_lists_only_visible_records(users, clients, name):
    client = clients[name]
    _q, schools, classes = EXPECTED_ACCESS[name]
    visible = expected_enrolments(name, {})

    in_classes = {
        student["student_id"]: {entry["class_id"] for entry in student["classes"]}
        for student in iter_students(client)
    }

    assert list_ids(client, "schools", "school_id") == schools
    assert list_ids(client, "classes", "class_id") == classes
    assert list_ids(client, "school years", "school_year_id") == school_years(classes)
    assert list_ids(client, "grade levels", "grade_level_id") == grade_levels(classes)
    assert in_classes == {
        id: set(visible.filter(student=id).values_list("school_class", flat=True))
        for id in visible.values_list("student", flat=True)
    }
    assert client.get("/me").json()["roles"] == [ROLES[name]]


RECORDS = {
    "schools": ("school_id", {1, 2, 3, 4}),
    "classes": ("class_id", {1, 2, 3, 4, 5}),
    "school-years": ("school_year_id", {1, 2}),
    "grade-levels": ("grade_level_id", {1, 2, 3}),
    "students": ("student_id", {1, 2, 17, 27, 52, 67, 101}),
}
"""Id member and ids of some records, by path."""


@pytest.mark.guarantee(
    "A single record that the viewer may not see is a 404 like one that does not exist."
)
@pytest.mark.parametrize("name", EXPECTED_ACCESS)
@pytest.mark.parametrize("path", RECORDS)
def test_single_record_is_visible_or_like_a_missing_one(users, clients, name, path):
    _q, schools, classes = EXPECTED_ACCESS[name]
    visible = {
        "schools": schools,
        "classes": classes,
        "school-years": school_years(classes),
        "grade-levels": grade_levels(classes),
        "students": set(
            expected_enrolments(name, {}).values_list("student", flat=True)
        ),
    }[path]
    member, ids = RECORDS[path]

    def answer(id):
        url = f"/{path}/{id:03}"  # of one length, as `Content-Length` tells it
        response = clients[name].get(url)
        return response, comparable_response(response, url)

    _response, missing = answer(999)
    assert missing[0] == 404
    for id in ids:
        response, comparable = answer(id)
        if id in visible:
            assert (response.status_code, response.json()[member]) == (200, id)
        else:
            assert comparable == missing, id


@pytest.mark.parametrize("name", EXPECTED_ACCESS)
def test_single_record_equals_the_listed_one(users, clients, name):
    client = clients[name]
    lists = {
        path: client.get(f"/{path}").json()["results"]
        for path in RECORDS
        if path != "students"
    }
    lists["students"] = client.post_json("/students/search").json()["results"]

    for path, records in lists.items():
        assert records
        for record in records[:3]:
            assert client.get(f"/{path}/{record[RECORDS[path][0]]}").json() == record


def iter_students(client):
    """Yield the students of all pages."""
    cursor = {}
    while True:
        page = client.post_json("/students/search", {"page_size": 60, **cursor}).json()
        yield from page["results"]
        if page["next"] is None:
            return
        cursor = {"cursor": page["next"]}


@pytest.mark.guarantee(
    "A filter by a record that the viewer may not see is refused like a missing record."
)
@pytest.mark.parametrize("name", EXPECTED_ACCESS)
def test_filter_by_invisible_record_equals_missing_record(users, clients, name):
    client = clients[name]
    schools, classes = (
        {1, 2, 3, 4} - EXPECTED_ACCESS[name][1],
        {1, 2, 3, 4, 5} - EXPECTED_ACCESS[name][2],
    )

    def search(**criteria):
        return comparable_response(
            client.post_json("/students/search", criteria), uuid.uuid4()
        )

    for id in schools:
        invisible, missing = (
            client.get("/classes", {"school_id": n}) for n in (id, 99)
        )
        assert comparable_response(invisible, uuid.uuid4()) == comparable_response(
            missing, uuid.uuid4()
        )
        assert search(school_id=id) == search(school_id=99)
    for id in {1, 2, 3} - grade_levels(EXPECTED_ACCESS[name][2]):
        invisible, missing = (
            client.get("/classes", {"grade_level": n}) for n in (id, 99)
        )
        assert outcome_of(invisible) == "invalid_request"
        assert comparable_response(invisible, uuid.uuid4()) == comparable_response(
            missing, uuid.uuid4()
        )
    for id in classes:
        assert search(class_id=id) == search(class_id=99)
    hidden = Enrolment.objects.exclude(
        student__in=expected_enrolments(name, {}).values("student")
    )
    for student in {enrolment.student for enrolment in hidden.filter(pk__gt=90)}:
        assert search(
            registration=student.registration, name=student.display_name
        ) == search(registration="none", name=student.display_name)


@pytest.mark.parametrize("name", EXPECTED_ACCESS)
def test_each_filter_of_classes_leaves_visible_ones_only(users, clients, name):
    _q, schools, classes = EXPECTED_ACCESS[name]
    values = {
        "search": [*SchoolClass.objects.values_list("name", flat=True), "2026"],
        "school_id": schools,
        "year": [2026],
        "grade_level": grade_levels(classes),
    }
    assert values.keys() == ClassFilter.base_filters.keys()

    for parameter, choices in values.items():
        found = set()
        for value in choices:
            page = clients[name].get("/classes", {parameter: value}).json()
            found |= {entry["class_id"] for entry in page["results"]}
        in_level = classes - {5} if parameter == "grade_level" else classes
        assert found == in_level, parameter


REMAINING_ACCESS = {
    "administrator": [set(), set(), set()],
    "secretary": [set(), set(), set()],
    "teacher": [{1}, {2}, {*range(26, 51), 17}],
    "guardian": [{1}, {2}, {27}],
}
"""Visible schools, classes and students after the first attachment was removed."""


@pytest.mark.parametrize("name", REMAINING_ACCESS)
def test_directory_after_detach_omits_lost_records(users, clients, name):
    Attachment.objects.filter(user=users[name]).order_by("pk")[0].delete()
    client = clients[name]

    assert [
        list_ids(client, "schools", "school_id"),
        list_ids(client, "classes", "class_id"),
        {student["student_id"] for student in iter_students(client)},
    ] == REMAINING_ACCESS[name]
    scope = client.get("/me").json()["scope"]
    assert sum(map(len, [v for v in scope.values() if isinstance(v, list)])) == len(
        [ids for ids in REMAINING_ACCESS[name][:1] if ids]
    )

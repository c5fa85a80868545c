"""Directory of the schools, classes and students that a viewer may see."""

import base64
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from school.models import (
    Enrolment,
    Role,
    School,
    SchoolClass,
    Student,
    User,
)
from tests.support.school_factory import NetworkFactory, create_level, create_user

pytestmark = pytest.mark.django_db

ODD_SIZES = ("", "0", "-1", "101", "1e1", "x", "null", "%C2%B2", "9" * 5000)


def collect_pages(client, path, key):
    """Return the key's values of all pages, with two entries per page."""
    values, path = [], f"{path}{'&' if '?' in path else '?'}page_size=2"
    while path:
        page = client.get(path).json()
        values += [entry[key] for entry in page["results"]]
        path = page["next"]
    return values


def test_class_entry_has_school_and_year(as_user, stranger):
    school, school_class = School.objects.get(pk=2), SchoolClass.objects.get(pk=3)
    level = school_class.grade_levels.get()

    answer = as_user(stranger).get("/classes")

    assert answer.json() == {
        "next": None,
        "previous": None,
        "results": [
            {
                "class_id": 3,
                "name": school_class.name,
                "year": 2026,
                "school": school.name,
                "school_id": 2,
                "school_year_id": 1,
                "grade_levels": [{"grade_level_id": level.pk, "name": level.name}],
                "shift": school_class.shift,
                "shift_label": {"morning": "Manhã", "afternoon": "Tarde"}[
                    school_class.shift
                ],
                "kind": "regular",
                "kind_label": "Regular",
                "class_label": school_class.name,
                "school_label": school.name,
                "year_label": "2026",
                "label": f"{school_class.name} · {school.name} · 2026",
            }
        ],
    }
    assert answer["Cache-Control"] == "private, no-store"


def test_schools_of_equal_name_are_listed_once_each(as_user, admin):
    for number in range(5):
        School.objects.create(network_id=1, inep_code=f"9900000{number}", name="y")
    for school in School.objects.filter(pk__in=[1, 2]):
        school.name = "y"
        school.save()

    schools = collect_pages(as_user(admin), "/schools", "school_id")

    assert len(schools) == len(set(schools)) == School.objects.count()


def test_previous_page_link_returns_first_page(as_user, admin):
    client = as_user(admin)
    first = client.get("/classes?page_size=3").json()
    second = client.get(first["next"]).json()

    assert client.get(second["previous"]).json()["results"] == first["results"]


def test_page_links_are_repeated_in_link_header(as_user, admin):
    client = as_user(admin)
    first = client.get("/classes?page_size=2")

    second = client.get(first.json()["next"])

    assert first["Link"] == f'<{first.json()["next"]}>; rel="next"'
    assert second["Link"] == f'<{second.json()["previous"]}>; rel="prev"'


def test_school_search_matches_word_prefixes(as_user, admin):
    school = School.objects.get(pk=2)
    school.name = "Escola Érico Veríssimo"
    school.save()
    client = as_user(admin)

    assert collect_pages(client, "/schools?search=VERISS er", "school_id") == [2]
    assert collect_pages(client, "/schools?search=rico", "school_id") == []


def test_classes_are_filtered_by_school_and_year(as_user, admin):
    client = as_user(admin)

    assert collect_pages(client, "/classes?school_id=2", "class_id") == [3]
    assert len(collect_pages(client, "/classes?year=2026", "class_id")) == 4
    assert collect_pages(client, "/classes?year=2025", "class_id") == []


@pytest.mark.parametrize(
    ("year", "is_found"), [(2024, False), (2025, True), (2026, True), (2027, False)]
)
def test_school_year_across_new_year_is_found_by_either_year(
    as_user, network, year, is_found
):
    factory = NetworkFactory()
    days = [date(2025, 9, 15), date(2026, 2, 20)]
    school_year = factory.create_year(2025, days, terms=1, period="2")
    school_class = factory.create_class(
        factory.create_school("EJA"), school_year, "A", [create_level("N")], [], days
    )
    student = school_class.enrol("Ana Nunes").student
    client = as_user(create_user(Role.ADMINISTRATOR, network=[factory.network]))

    classes = collect_pages(client, f"/classes?year={year}", "class_id")

    assert classes == [school_class.pk] * is_found
    assert student_ids(search(client, year=year)) == [student.pk] * is_found


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("classes?school_id=999", 400, "/school_id"),
        ("classes?school_id=2", 400, "/school_id"),
        ("classes?school_id=x", 400, "/school_id"),
        (f"classes?school_id={2**80}", 400, "/school_id"),
        ("classes?year=x", 400, "/year"),
        ("classes?year=1e999", 400, "/year"),
        (f"classes?year={10**30}", 400, "/year"),
        ("schools?search=%00", 400, "/search"),
        (f"schools?search={'x' * 121}", 400, "/search"),
        ("classes?cursor=nonsense", 400, "/cursor"),
        ("classes?cursor=", 400, "/cursor"),
        ("classes?cursor=cD1h", 400, "/cursor"),
        ("classes?cursor=cD0lMDAlMDA%3D", 400, "/cursor"),
        (f"classes?cursor={'bz05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5'}", 200, None),
        *((f"schools?page_size={size}", 400, "/page_size") for size in ODD_SIZES),
        ("schools?page_size=100", 200, None),
        ("classes?yaer=2026", 400, "/yaer"),
        ("classes?year=2026&year=2025", 400, "/year"),
        ("schools?a/b~=", 400, "/a~1b~0"),
        ("classes?year=", 400, "/year"),
        ("classes?school_id=", 400, "/school_id"),
        ("schools?search=", 200, None),
        ("classes?search=%00", 400, "/search"),
        ("classes?search=%20%C2%B7%20", 200, None),
        ("classes?grade_level=2", 400, "/grade_level"),
        ("classes?grade_level=x", 400, "/grade_level"),
        ("classes?grade_level=", 400, "/grade_level"),
        ("school-years?cursor=cD1h", 400, "/cursor"),
        ("school-years?cursor=cD05OTk5OQ%3D%3D", 400, "/cursor"),
        ("school-years?search=2026", 400, "/search"),
        ("grade-levels?cursor=cD1h", 400, "/cursor"),
        ("grade-levels?page_size=0", 400, "/page_size"),
    ],
)
def test_invalid_query_returns_400_and_not_500(
    as_user, teacher, query, status, pointer
):
    answer = as_user(teacher).get(f"/{query}")

    assert answer.status_code == status
    if pointer:
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("path", "query_count"), [("/schools", 2), ("/classes", 3)])
def test_directory_list_takes_constant_queries(
    as_user, admin, path, query_count, count
):
    SchoolClass.objects.filter(pk__gt=3).update(sort_key=b"zz\x00")
    client = as_user(admin)

    with CaptureQueriesContext(connection) as queries:
        listed = client.get(f"{path}?page_size={count}").json()["results"]

    assert len(listed) == count
    assert len(queries) == query_count  # the user, the page, and the levels of classes


def test_directory_list_has_portuguese_order(as_user, admin):
    names = ["Águia", "Escola 10", "Escola Água", "Escola ávila", "Zélia"]
    for number, name in enumerate(reversed(names), 1):
        school = School.objects.create(
            network_id=1, inep_code=f"9900000{number}", name=name
        )
        SchoolClass.objects.create(
            school=school, school_year_id=1, name=name, shift="morning"
        )
    client = as_user(admin)

    for path in ("/schools", "/classes"):
        assert [n for n in collect_pages(client, path, "name") if n in names] == names


def test_cursor_with_arbitrary_bytes_is_accepted(as_user, admin):
    client = as_user(admin)
    first = client.get("/schools?page_size=1").json()
    second = client.get(first["next"]).json()

    assert client.get(second["previous"]).json()["results"] == first["results"]
    arbitrary_cursor = base64.b64encode(b"p=%00%FF%C3").decode()
    assert client.get("/schools", {"cursor": arbitrary_cursor}).status_code == 200


def search(client, **criteria):
    return client.post_json("/students/search", criteria)


def student_ids(response):
    return [student["student_id"] for student in response.json()["results"]]


@pytest.fixture
def students_named_ana(network):
    """Students named Ana: one in class 1, one in class 3, one moved from class 3 to class 4."""
    Student.objects.exclude(pk__in=(1, 27, 67)).update(sort_key=b"x\x00")
    for pk, name in ((1, "Ana Á"), (52, "Ana B"), (67, "Ana C")):
        student = Student.objects.get(pk=pk)
        student.name = name
        student.save()


@pytest.mark.usefixtures("students_named_ana")
def test_student_entry_has_registration_and_classes(as_user, guardian):
    answer = search(as_user(guardian), name="an")

    assert answer.json() == {
        "results": [
            {
                "student_id": 1,
                "name": "Ana Á",
                "registration": Student.objects.get(pk=1).registration,
                "label": f"Ana Á · {Student.objects.get(pk=1).registration}",
                "classes": [
                    {
                        "class_id": 1,
                        "name": SchoolClass.objects.get(pk=1).name,
                        "year": 2026,
                    }
                ],
            }
        ],
        "next": None,
    }


@pytest.mark.guarantee("The civil name of a student with a social name is not shown.")
@pytest.mark.usefixtures("students_named_ana")
def test_student_with_social_name_is_found_by_it_only(as_user, guardian):
    student = Student.objects.get(pk=1)
    student.social_name = "Zoé Á"
    student.save()
    client = as_user(guardian)

    (entry,) = search(client, name="zoe").json()["results"]

    assert (entry["student_id"], entry["name"]) == (1, "Zoé Á")
    assert student_ids(search(client, name="ana")) == []
    assert "Ana Á" not in search(client).content.decode()
    scope_names = {s["name"] for s in client.get("/me").json()["scope"]["students"]}
    assert scope_names == {"Zoé Á", Student.objects.get(pk=27).display_name}


@pytest.mark.guarantee("Names are found by the letters of an ordinary keyboard.")
@pytest.mark.parametrize("typed", ["davila", "d'avila", "santana", "umuko", "lukasz"])
def test_names_are_found_by_an_ordinary_keyboard(as_user, guardian, typed):
    student, school = Student.objects.get(pk=1), School.objects.get(pk=1)
    for record in (student, school):
        record.name = "Łukasz D´Ávila Sant’Ana Ʉmʉkomahsã"
        record.save()
    client = as_user(guardian)

    assert student_ids(search(client, name=typed)) == [1]
    found = client.get("/schools", {"search": typed}).json()["results"]
    assert [entry["school_id"] for entry in found] == [1]


@pytest.mark.usefixtures("students_named_ana")
def test_student_search_is_filtered(as_user, admin):
    client = as_user(admin)
    number = Student.objects.get(pk=52).registration

    assert student_ids(search(client, name="ana", class_id=4)) == [67]
    assert student_ids(search(client, name="ana", school_id=2)) == [52, 67]
    assert student_ids(search(client, name="ana", year=2025)) == []
    assert student_ids(search(client, registration=number)) == [52]
    assert student_ids(search(client, registration=number[:-1])) == []


def test_student_who_returned_lists_the_class_once(as_user, teacher):
    enrolment = Enrolment.objects.get(student=1)
    Enrolment.objects.filter(pk=enrolment.pk).update(exit_date="2026-06-01")
    enrolment.pk, enrolment.diary_number, enrolment.entry_date = None, 99, "2026-08-01"
    enrolment.save()

    entries = search(as_user(teacher), class_id=1, page_size=100).json()["results"]

    (student,) = [entry for entry in entries if entry["student_id"] == 1]
    assert [c["class_id"] for c in student["classes"]] == [1]


def test_student_pages_follow_the_name_order(as_user, teacher):
    Student.objects.filter(pk__lt=6).update(sort_key=b"same\x00")
    client, ids, cursor = as_user(teacher), [], None

    while True:
        page = search(client, page_size=4, **({"cursor": cursor} if cursor else {}))
        ids += student_ids(page)
        cursor = page.json()["next"]
        if cursor is None:
            break

    in_order = Student.objects.filter(enrolments__school_class__in=(1, 2))
    assert ids == [s.pk for s in in_order.order_by("sort_key", "pk").distinct()]
    assert page.status_code == 200


@pytest.mark.guarantee("A cursor works for its viewer only.")
def test_cursor_of_another_viewer_is_refused(as_user, teacher, secretary):
    cursor = search(as_user(teacher), page_size=1).json()["next"]

    def ask(user, cursor):
        answer = search(as_user(user), cursor=cursor)
        return answer.status_code, {**answer.json(), "request_id": ""}

    refused = ask(teacher, "forged")
    assert refused[0] == 400
    assert refused[1]["errors"][0]["pointer"] == "/cursor"
    assert ask(secretary, cursor) == refused
    assert ask(teacher, f"{cursor}x") == refused
    assert ask(teacher, cursor)[0] == 200


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"name": "a"}, "/name", "too_few_letters"),
        ({"name": "á!"}, "/name", "too_few_letters"),
        ({"name": "a" * 121}, "/name", "string_too_long"),
        ({"name": 1}, "/name", "string_type"),
        ({"registration": "a\x00"}, "/registration", "string_pattern_mismatch"),
        ({"class_id": "1"}, "/class_id", "int_type"),
        ({"class_id": True}, "/class_id", "int_type"),
        ({"class_id": 2**80}, "/class_id", "less_than_equal"),
        ({"class_id": 999}, "/class_id", "not_found"),
        ({"class_id": 3}, "/class_id", "not_found"),
        ({"school_id": 2}, "/school_id", "not_found"),
        ({"year": 0}, "/year", "greater_than_equal"),
        ({"page_size": 101}, "/page_size", "less_than_equal"),
        ({"a/b": 1}, "/a~1b", "unknown_field"),
        ([], "", "model_type"),
    ],
)
def test_student_search_error_has_its_pointer(as_user, teacher, body, pointer, code):
    assert SchoolClass.objects.filter(pk=3).exists()

    answer = as_user(teacher).post_json("/students/search", body)

    assert answer.status_code == 400
    errors = [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
    assert errors == [(pointer, code)]


@pytest.mark.guarantee(
    "A filter by a record that the viewer may not see is refused like a missing record."
)
@pytest.mark.parametrize(
    ("parameter", "invisible_id"), [("class_id", 3), ("school_id", 2)]
)
def test_student_filter_by_invisible_record_equals_missing(
    as_user, teacher, parameter, invisible_id
):
    def ask(id):
        answer = search(as_user(teacher), **{parameter: id})
        return answer.status_code, {**answer.json(), "request_id": ""}

    assert ask(invisible_id) == ask(999)
    assert ask(invisible_id)[0] == 400


@pytest.mark.parametrize("id", [2, 999])
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_filter_by_record_is_refused_alike_in_every_operation(
    as_user, teacher, id, language
):
    client = as_user(teacher)
    headers = {"Accept-Language": language}
    body = {
        "report": "class_performance",
        "parameters": {"school_id": id, "year": 2026},
    }
    answers = {
        "/school_id": client.get(f"/classes?school_id={id}", headers=headers),
        "school_id": client.post_json(
            "/students/search", {"school_id": id}, headers=headers
        ),
        "/parameters/school_id": client.post_json("/reports", body, headers=headers),
    }

    errors = {name: it.json()["errors"] for name, it in answers.items()}
    refusals = {(e["code"], e["detail"]) for error in errors.values() for e in error}
    detail = {"pt-BR": "Essa escola não existe.", "en": "There is no such school."}
    assert refusals == {("not_found", detail[language])}
    level = client.get(f"/classes?grade_level={id + 7}", headers=headers).json()
    assert [error["code"] for error in level["errors"]] == ["not_found"]


@pytest.mark.parametrize("count", [1, 3])
def test_student_search_takes_three_queries(as_user, teacher, count):
    client = as_user(teacher)

    with CaptureQueriesContext(connection) as queries:
        assert len(student_ids(search(client, page_size=count))) == count

    assert len(queries) == 3  # the user, the students and their classes


def test_student_search_by_get_returns_405(as_user, teacher):
    answer = as_user(teacher).get("/students/search?name=ana")

    assert answer.status_code == 405


def test_directory_without_attachments_is_empty(as_user, network):
    for role in Role:
        client = as_user(User.objects.create(username=f"new-{role}", role=role))
        assert student_ids(search(client)) == []
        assert client.get("/classes").json()["results"] == []
        assert client.get("/schools").json()["results"] == []

"""A generic client that fills parameters by the catalogue alone, on a large network."""

import re
import time
from datetime import date
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from school.collation import sort_key
from school.demo.names import random_name
from school.models import (
    Enrolment,
    GradeLevel,
    Network,
    Role,
    School,
    SchoolClass,
    Student,
)
from tests.support.school_factory import NetworkFactory, create_user

pytestmark = pytest.mark.django_db

SCHOOL_COUNT, CLASSES_PER_SCHOOL, STUDENTS_PER_CLASS = 80, 25, 25
MAX_SECONDS = 0.5
"""Time of a page, with the test's own check of the answer; a tenth on a machine of its own."""
SCHOOL_NAMES = ["EM Aparecida", "EM Prof. José Rondon", "CMEI Sonho Meu", "EMEF Rio Branco"]  # fmt: skip


@pytest.fixture
def network_admin(network):
    """Administrator of a network with 2,000 classes in 80 schools, four of each name part."""
    factory = NetworkFactory(name="Rede Grande")
    days = [date(2026, 2, 9), date(2026, 12, 18)]
    year = factory.create_year(2026, days, terms=1)
    schools = School.objects.bulk_create(
        School(
            network=factory.network,
            inep_code=f"{88000000 + n}",
            name=(name := f"{SCHOOL_NAMES[n % 4]} {n // 8}"),
            sort_key=sort_key(name),
        )
        for n in range(SCHOOL_COUNT)
    )
    SchoolClass.objects.bulk_create(
        SchoolClass(
            school=school,
            school_year=year,
            shift="morning",
            name=(name := f"{n // 5 + 1}º ano {'ABCDE'[n % 5]}"),
            sort_key=sort_key(name),
        )
        for school in schools
        for n in range(CLASSES_PER_SCHOOL)
    )
    return create_user(Role.ADMINISTRATOR, network=[factory.network])


@pytest.fixture
def large_network(network_admin):
    """The network of `network_admin` with 25 students in each class, 50,000 in all."""
    classes = SchoolClass.objects.filter(school__network__name="Rede Grande")
    network = Network.objects.get(name="Rede Grande")
    level, random = GradeLevel.objects.first(), Random(1)
    class_ids = [*classes.values_list("pk", flat=True)]
    names = [random_name(random) for _ in range(len(class_ids) * STUDENTS_PER_CLASS)]
    students = Student.objects.bulk_create(
        [
            Student(
                network=network,
                registration=f"{serial:08}",
                name=name,
                sort_key=sort_key(name),
                birth_date=date(2015, 1, 1),
            )
            for serial, name in enumerate(names, 9_000_000)
        ],
        batch_size=5000,
    )
    Enrolment.objects.bulk_create(
        [
            Enrolment(
                student=student,
                school_class_id=class_ids[index % len(class_ids)],
                grade_level=level,
                diary_number=index // len(class_ids) + 1,
                entry_date=date(2026, 2, 9),
            )
            for index, student in enumerate(students)
        ],
        batch_size=5000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does
    return network_admin


class GenericClient:
    """Client that knows nothing but the catalogue's `lookups`, and counts its requests."""

    def __init__(self, client, kind):
        self._client = client
        self.lookups = client.get(f"/reports/{kind}").json()["lookups"]
        self.request_count = 0

    def choose(self, parameter, typed, label, **chosen):
        """Return the value of the record with this label; None if no page has it."""
        lookup = self.lookups[parameter]
        query = {lookup["page_size"]: lookup["max_page_size"]}
        query |= {name: chosen[name] for name in lookup["depends_on"] if name in chosen}
        if lookup["search"]:
            query[lookup["search"]] = typed
        page = self._ask(lookup, query)
        while True:
            for record in page["results"]:
                assert self._fill(lookup["label_template"], record)
                if record[lookup["label"]] == label:
                    return record[lookup["value"]]
            if page[lookup["next"]] is None:
                return None
            page = self._next_page(lookup, query, page)

    def read_label(self, parameter, value):
        """Return the label of one record, by its value."""
        lookup = self.lookups[parameter]
        url = re.sub(r"{\w+}", str(value), lookup["record"])
        self.request_count += 1
        return self._client.get(url).json()[lookup["label"]]

    def _ask(self, lookup, query):
        self.request_count += 1
        if lookup["method"] == "POST":
            return self._client.post_json(lookup["href"], query).json()
        return self._client.get(lookup["href"], query).json()

    def _next_page(self, lookup, query, page):
        if lookup["method"] == "POST":
            return self._ask(lookup, {**query, lookup["cursor"]: page[lookup["next"]]})
        self.request_count += 1
        return self._client.get(page[lookup["next"]]).json()

    @staticmethod
    def _fill(template, record):
        return re.sub(r"{(\w+)}", lambda match: str(record[match[1]]), template)


@pytest.mark.guarantee("A chooser takes at most two requests, also with 2,000 classes.")
@pytest.mark.parametrize("parameter", ["class_id", "class_ids"])
def test_class_of_two_thousand_is_chosen_by_two_requests(
    as_user, network_admin, parameter
):
    classes = SchoolClass.objects.filter(school__network__name="Rede Grande")
    assert classes.count() == SCHOOL_COUNT * CLASSES_PER_SCHOOL == 2000
    client = as_user(network_admin)
    generic = GenericClient(client, "report_card")

    for school_class in classes.select_related("school").order_by("pk")[7::97]:
        generic.request_count = 0
        school = school_class.school
        label = f"{school_class.name} · {school.name} (INEP {school.inep_code}) · 2026"
        typed = f"{school_class.name} {school.name}".lower()
        assert generic.choose(parameter, typed, label) == school_class.pk
        assert generic.request_count <= 2, label
        assert generic.read_label(parameter, school_class.pk) == label


def test_labels_of_two_thousand_classes_are_all_different(as_user, network_admin):
    client = as_user(network_admin)
    labels, url = [], "/classes?page_size=100"
    while url:
        page = client.get(url).json()
        labels += [record["label"] for record in page["results"]]
        url = page["next"]

    assert len(labels) == len(set(labels)) == 2000


def test_school_and_then_its_class_take_one_request_each(as_user, network_admin):
    generic = GenericClient(as_user(network_admin), "report_card")
    school = School.objects.get(inep_code="88000042")
    school_label = f"{school.name} (INEP {school.inep_code})"

    school_id = generic.choose("school_id", school.name, school_label)
    class_id = generic.choose(
        "class_id", "", f"3º ano C · {school_label} · 2026",
        school_id=school_id, year=2026,
    )  # fmt: skip

    assert school_id == school.pk
    assert SchoolClass.objects.get(pk=class_id).school == school
    assert generic.request_count == 2


@pytest.fixture
def large_network_viewers(large_network):
    """One viewer of each role who sees the same student, and that student."""
    student = Student.objects.filter(network__name="Rede Grande").order_by("pk")[777]
    school_class = student.enrolments.get().school_class
    return student, [
        large_network,
        create_user(Role.STAFF, school=[school_class.school]),
        create_user(Role.TEACHER, school_class=[school_class]),
        create_user(Role.GUARDIAN, student=[student]),
    ]


def time_fastest(ask, *arguments):
    """Return the time of the fastest of some requests: others share the machine."""
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        assert ask(*arguments).status_code == 200
        seconds.append(time.perf_counter() - start)
    return min(seconds)


@pytest.mark.deep("it creates 50,000 students")
@pytest.mark.guarantee("A chooser takes at most two requests, also with 2,000 classes.")
def test_student_of_fifty_thousand_is_chosen_by_each_role(
    as_user, large_network_viewers
):
    student, viewers = large_network_viewers
    school_class = student.enrolments.get().school_class
    assert Student.objects.count() > 50_000

    for viewer in viewers:
        client = as_user(viewer)
        generic = GenericClient(client, "report_card")
        label = f"{student.name} · {student.registration}"
        searches = [
            {"name": student.name},
            {"name": student.name.split()[0][:2], "page_size": 100},
            {"name": "zzzz"},
            {"class_id": school_class.pk, "page_size": 100},
            {"year": 2026, "page_size": 100},
        ]

        assert generic.choose("student_id", student.name, label) == student.pk
        assert generic.request_count <= 2, viewer.role
        for body in searches:
            with CaptureQueriesContext(connection) as queries:
                duration = time_fastest(client.post_json, "/students/search", body)
            assert len(queries) <= 5 * 5, body
            assert duration < MAX_SECONDS, (viewer.role, body)
        for query in ("", f"&search={school_class.name}", "&year=2026"):
            path = f"/classes?page_size=100{query}"
            with CaptureQueriesContext(connection) as queries:
                duration = time_fastest(client.get, path)
            assert len(queries) <= 5 * 4, path
            assert duration < MAX_SECONDS, (viewer.role, path)


def test_student_and_year_are_chosen_by_one_request_each(as_user, admin):
    generic = GenericClient(as_user(admin), "report_card")
    student = Student.objects.get(pk=27)
    label = f"{student.display_name} · {student.registration}"

    chosen = generic.choose("student_id", student.display_name, label, class_id=2)
    year = generic.choose("year", "", 2026)

    assert (chosen, year, generic.request_count) == (27, 2026, 2)
    assert generic.read_label("student_id", 27) == label


@pytest.mark.parametrize("path", ["/schools", "/classes", "/school-years"])
def test_largest_page_of_the_catalogue_is_the_limit(as_user, admin, path):
    client = as_user(admin)
    lookups = client.get("/reports/report_card").json()["lookups"].values()
    (limit,) = {lookup["max_page_size"] for lookup in lookups}

    assert client.get(f"{path}?page_size={limit}").status_code == 200
    assert client.get(f"{path}?page_size={limit + 1}").status_code == 400
    body = {"page_size": limit + 1}
    assert client.post_json("/students/search", body).status_code == 400

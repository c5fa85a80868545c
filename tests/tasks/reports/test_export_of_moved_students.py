"""Exports of students who moved: what each school is given of them, in every table.

The moves are those of `tests.school.test_year_access`. Every enrolment has grades, an exam,
exemptions in all terms, also in those that began after the exit, and absences on all of its days.
"""

from datetime import date

import pytest

from school import models as m
from tasks.models import AccessLogEntry
from tests.school.test_year_access import CASES, DAYS, World
from tests.support.task_factories import read_rows, run_task
from tests.tasks.reports.figures.report_rows import build_rows

pytestmark = pytest.mark.django_db

FOREVER = len(DAYS) + 1
PLACES = [("A", "staff"), ("B", "staff"), ("C", "staff"), ("network", "administrator")]


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


@pytest.fixture
def world(network, case):
    world = World(case)
    for enrolment in world.enrolments:
        enrolment.retained_by_council = True
        enrolment.save()
        m.Absence.objects.bulk_create(
            m.Absence(enrolment=enrolment, session=session)
            for session in enrolment.school_class.sessions.filter(
                date__gte=enrolment.entry_date,
                date__lt=enrolment.exit_date or date.max,
            )
        )
        for offering in enrolment.school_class.offerings.all():
            m.RecoveryGrade.objects.create(
                enrolment=enrolment, offering=offering, tenths=50
            )
            m.Exemption.objects.bulk_create(
                m.Exemption(enrolment=enrolment, offering=offering, term=term)
                for term in range(1, 5)
            )
    return world


def exit_of(case, index):
    after = case.stays[index][2]
    return FOREVER if after is None else after


def list_ends(case, own):
    """Return the index of the first hidden day of each enrolment that a viewer is given.

    `own` are the indexes of the viewer's enrolments, of which nothing is hidden.
    """
    ends = {}
    for index in own:
        for other in map(int, case.members[index]):
            end = min(exit_of(case, other), exit_of(case, index))
            ends[other] = max(end, ends.get(other, 0))
    return ends | dict.fromkeys(own, FOREVER)


def is_cut(case, index, end, own):
    return index not in own and exit_of(case, index) > end


def export(viewer, table, **parameters):
    return build_rows(viewer, "data_export", {"table": table, **parameters})


@pytest.mark.guarantee(
    "An export gives a student's year to the school that has the student now, and nothing of "
    "it to the old school."
)
def test_export_has_what_came_before_and_nothing_after(case, world):
    for place, role in PLACES:
        viewer, own = world.viewers[place, role], world.seen_by(place, role)
        expected = {
            "grades": [],
            "exemptions": [],
            "absences": [],
            "recovery_exams": [],
        }
        for index, end in list_ends(case, own).items():
            one = world.enrolments[index]
            for table, records in (
                ("grades", one.grades),
                ("exemptions", one.exemptions),
            ):
                expected[table] += [
                    (one.pk, term)
                    for term in records.values_list("term", flat=True)
                    if 5 * (term - 1) < end
                ]
            expected["absences"] += [
                (one.pk, day.isoformat())
                for day in one.absences.values_list("session__date", flat=True)
                if DAYS.index(day) < end
            ]
            if not is_cut(case, index, end, own):
                expected["recovery_exams"] += [
                    (one.pk, exam.offering.subject_id)
                    for exam in one.recovery_grades.all()
                ]

        for table, name in (
            ("grades", "term"),
            ("exemptions", "term"),
            ("absences", "date"),
            ("recovery_exams", "subject_id"),
        ):
            rows = export(viewer, table)
            pairs = [(row["enrolment_id"], row[name]) for row in rows]
            assert sorted(pairs) == sorted(expected[table]), (place, table)


def test_export_hides_exit_that_came_after(case, world):
    for place, role in PLACES:
        viewer, own = world.viewers[place, role], world.seen_by(place, role)
        expected = {}
        for index, end in list_ends(case, own).items():
            one = world.enrolments[index]
            shown = (one.exit_date and one.exit_date.isoformat(), one.ending, True)
            hidden = is_cut(case, index, end, own)
            expected[one.pk] = (None, "", None) if hidden else shown

        rows = export(viewer, "enrolments")

        assert {
            row["enrolment_id"]: (
                row["exit_date"],
                row["ending"],
                row["retained_by_council"],
            )
            for row in rows
        } == expected, place


def test_export_of_one_class_has_what_came_before(case, world):
    """Whoever sees all of the network asks for the class that has the student now."""
    viewer = world.viewers["network", "administrator"]
    for index, one in enumerate(world.enrolments):
        own = [
            n
            for n, other in enumerate(world.enrolments)
            if other.school_class == one.school_class
        ]
        ends = list_ends(case, own)
        classes = {world.enrolments[n].school_class_id for n in ends}

        for table in ("classes", "class_days", "class_subjects", "grades"):
            rows = export(viewer, table, class_id=one.school_class_id)
            assert {row["class_id"] for row in rows} <= classes, (index, table)
        (student,) = export(viewer, "students", class_id=one.school_class_id)
        assert student["student_id"] == world.student.pk
        rows = export(viewer, "enrolments", class_id=one.school_class_id)
        assert {row["enrolment_id"] for row in rows} == {
            world.enrolments[n].pk for n in ends
        }


@pytest.mark.parametrize(
    "case",
    ["moved and back", "a guest elsewhere for a term", "reclassified"],
    indirect=True,
)
def test_access_log_names_the_schools_that_were_read(case, world):
    for (place, role), viewer in world.viewers.items():
        own = world.seen_by(place, role)
        others = {
            world.enrolments[index].school_class.school_id
            for index in list_ends(case, own)
            if index not in own
        }
        requests = [("report_card", {"year": 2025})]
        if role in {"administrator", "staff"}:
            requests.append(("data_export", {"table": "grades"}))
        for kind, values in requests:
            task = run_task(viewer, values, kind=kind)

            (entry,) = AccessLogEntry.objects.filter(task_id=task.pk)
            assert (entry.viewer, entry.scope) == (viewer, task.scope)
            assert set(entry.scope.get("other_schools", [])) == others, (place, kind)
            schools = {row["school_id"] for row in read_rows(task)}
            assert schools <= others | {
                world.enrolments[index].school_class.school_id for index in own
            }
            if kind == "data_export":
                assert task.result["skipped"] == {"total": 0, "reasons": []}

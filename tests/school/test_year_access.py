"""Years of students who moved: what each viewer is told of them, in a table.

Twenty days of lessons, five in each of four terms. A grade has the number of its class and of
its term. A teacher of a class, and the staff of its school, see the enrolments in it.
"""

from dataclasses import dataclass, field

import pytest

from school import access
from school import models as m
from school.access import Reach
from school.records.years import StudentYears
from school.scope import Scope
from tests.support.earlier_release import earlier_release
from tests.support.school_factory import (
    SCHOOL_DAYS,
    NetworkFactory,
    create_level,
    create_prior_year,
    create_subject,
    create_user,
)
from tests.tasks.reports.figures.report_rows import build_rows

pytestmark = pytest.mark.django_db

DAYS = SCHOOL_DAYS[:20]
CLASS_NUMBERS = {"A": 1, "B": 2, "C": 3, "A2": 4, "support": 5}


def year(*terms, days):
    """Return the grades of the four terms, and the number of days with lessons."""
    return [term or None for term in terms], days


@dataclass
class Case:
    stays: list[tuple[str, int, int | None]]
    """Class, index of the first day, and index of the first day after it, if there is one."""
    years: list
    """Year as of each of the enrolments."""
    members: list[str]
    """Indexes of the enrolments that each of these years is made of."""
    transcripts: dict[str, list[tuple[str, list]]]
    """Lines of the transcript by school that asks for it: school and year of each."""
    support_kind: str = "aee"
    endings: list[str] = field(default_factory=list)


A_FIRST = year(11, 12, 0, 0, days=10)
A_ALONE = year(11, 12, 13, 14, days=20)
CASES = {
    "moved": Case(
        [("A", 0, 10), ("B", 10, None)],
        [A_FIRST, year(11, 12, 23, 24, days=20)],
        ["0", "01"],
        {
            "A": [("A", A_FIRST)],
            "B": [("B", year(11, 12, 23, 24, days=20))],
            "network": [("B", year(11, 12, 23, 24, days=20))],
        },
    ),
    "moved and back": Case(
        [("A", 0, 5), ("B", 5, 10), ("A", 10, None)],
        [
            year(11, 0, 0, 0, days=5),
            year(11, 22, 0, 0, days=10),
            year(11, 22, 13, 14, days=20),
        ],
        ["0", "01", "012"],
        {
            "A": [("A", year(11, 22, 13, 14, days=20))],
            "B": [("B", year(11, 22, 0, 0, days=10))],
            "network": [("A", year(11, 22, 13, 14, days=20))],
        },
    ),
    "moved twice": Case(
        [("A", 0, 5), ("B", 5, 10), ("C", 10, None)],
        [
            year(11, 0, 0, 0, days=5),
            year(11, 22, 0, 0, days=10),
            year(11, 22, 33, 34, days=20),
        ],
        ["0", "01", "012"],
        {
            "A": [("A", year(11, 0, 0, 0, days=5))],
            "B": [("B", year(11, 22, 0, 0, days=10))],
            "C": [("C", year(11, 22, 33, 34, days=20))],
        },
    ),
    "moved, and the old school did not record it": Case(
        [("A", 0, None), ("B", 10, None)],
        [A_ALONE, year(11, 12, 23, 24, days=20)],
        ["0", "01"],
        {
            "A": [("A", A_ALONE)],
            "B": [("B", year(11, 12, 23, 24, days=20))],
            "network": [("B", year(11, 12, 23, 24, days=20))],
        },
    ),
    "a guest elsewhere for a term": Case(
        [("A", 0, None), ("B", 5, 10)],
        [A_ALONE, year(11, 22, 0, 0, days=10)],
        ["01", "01"],
        {
            "A": [("A", A_ALONE)],
            "B": [("B", year(11, 22, 0, 0, days=10))],
            "network": [("A", A_ALONE)],
        },
    ),
    "both for a week": Case(
        [("A", 0, 15), ("B", 10, None)],
        [year(11, 12, 13, 0, days=15), year(11, 12, 23, 24, days=20)],
        ["0", "01"],
        {
            "A": [("A", year(11, 12, 13, 0, days=15))],
            "B": [("B", year(11, 12, 23, 24, days=20))],
        },
    ),
    "both all year": Case(
        [("A", 0, None), ("B", 0, None)],
        [A_ALONE, year(21, 22, 23, 24, days=20)],
        ["0", "01"],
        {
            "A": [("A", A_ALONE)],
            "B": [("B", year(21, 22, 23, 24, days=20))],
            "network": [("B", year(21, 22, 23, 24, days=20))],
        },
    ),
    "left while the school before never closed": Case(
        [("A", 0, 5), ("B", 5, None), ("C", 10, 15)],
        [
            year(11, 0, 0, 0, days=5),
            year(11, 22, 23, 24, days=20),
            year(11, 22, 33, 0, days=15),
        ],
        ["0", "012", "012"],
        {
            "A": [("A", year(11, 0, 0, 0, days=5))],
            "B": [("B", year(11, 22, 23, 24, days=20))],
            "C": [("C", year(11, 22, 33, 0, days=15))],
            "network": [("B", year(11, 22, 23, 24, days=20))],
        },
    ),
    "died while the school before never closed": Case(
        [("A", 0, None), ("B", 10, 15)],
        [A_ALONE, year(11, 12, 23, 0, days=15)],
        ["0", "01"],
        {
            "A": [("A", A_ALONE)],
            "B": [("B", year(11, 12, 23, 0, days=15))],
            "network": [("B", year(11, 12, 23, 0, days=15))],
        },
        endings=["", "deceased"],
    ),
    "enrolled again after a death that was recorded by mistake": Case(
        [("A", 0, 5), ("B", 10, None)],
        [year(11, 0, 0, 0, days=5), year(11, 0, 23, 24, days=15)],
        ["0", "01"],
        {
            "A": [("A", year(11, 0, 0, 0, days=5))],
            "B": [("B", year(11, 0, 23, 24, days=15))],
            "network": [("B", year(11, 0, 23, 24, days=15))],
        },
        endings=["deceased", ""],
    ),
    "reclassified": Case(
        [("A", 0, 10), ("A2", 10, None)],
        [A_FIRST, year(0, 0, 43, 44, days=20)],
        ["0", "01"],
        {"A": [("A", A_FIRST), ("A", year(0, 0, 43, 44, days=20))], "B": []},
        endings=["reclassified", ""],
    ),
    "specialised support that is marked": Case(
        [("A", 0, None), ("support", 0, None)],
        [A_ALONE, ([], 10)],
        ["0", "1"],
        {"A": [("A", A_ALONE)], "B": [], "network": [("A", A_ALONE)]},
    ),
    "specialised support that is not marked": Case(
        [("A", 0, None), ("support", 0, None)],
        [A_ALONE, A_ALONE],
        ["0", "01"],
        {
            "A": [("A", A_ALONE)],
            "B": [("B", A_ALONE)],
            "network": [("B", A_ALONE)],
        },
        support_kind="regular",
    ),
}


class World:
    """A network with a student who moved as the case says, and with its viewers."""

    def __init__(self, case: Case) -> None:
        factory = NetworkFactory()
        self.year = factory.create_year(2025, DAYS)
        factory.create_rules(self.year, year_days=20)
        subject = create_subject("Arte", 1)
        level, next_level = create_level("Nível"), create_level("Próximo nível")
        schools = {name: factory.create_school(name) for name in "ABC"}
        classes = {}
        for name in CLASS_NUMBERS:
            is_support = name == "support"
            school = schools["B" if is_support else name[0]]
            classes[name] = factory.create_class(
                school, self.year, name, [next_level if name == "A2" else level],
                [] if is_support else [subject], DAYS[::2] if is_support else DAYS,
            )  # fmt: skip
        support = classes["support"].school_class
        support.kind = case.support_kind
        support.save()
        student = factory.create_student("Ana")
        self.enrolments = [
            _enrol(classes[name], name, student, subject, first, after, ending)
            for (name, first, after), ending in zip(
                case.stays, case.endings or [""] * len(case.stays), strict=True
            )
        ]
        self.student = student
        self.viewers = {
            ("network", "administrator"): create_user(
                m.Role.ADMINISTRATOR, network=[factory.network]
            ),
            ("network", "guardian"): create_user(m.Role.GUARDIAN, student=[student]),
            **{
                (name, "staff"): create_user(m.Role.STAFF, school=[school])
                for name, school in schools.items()
            },
            **{
                (name, "teacher"): create_user(
                    m.Role.TEACHER, school_class=[school_class.school_class]
                )
                for name, school_class in classes.items()
            },
        }

    def seen_by(self, place: str, role: str) -> list[int]:
        """Return the indexes of the enrolments at the viewer's place."""
        return [
            index
            for index, enrolment in enumerate(self.enrolments)
            if place == "network"
            or place
            == (
                enrolment.school_class.name
                if role == "teacher"
                else enrolment.school_class.school.name
            )
        ]


def _enrol(school_class, name, student, subject, first, after, ending):
    enrolment = school_class.enrol(
        student,
        entry_date=DAYS[first],
        exit_date=None if after is None else DAYS[after],
        ending=ending,
    )
    if school_class.subject_ids:
        # Also in terms after the exit, which nobody must count.
        school_class.add_grades(
            enrolment, subject.pk, *["-"] * (first // 5),
            *(CLASS_NUMBERS[name] * 10 + term for term in range(first // 5 + 1, 5)),
        )  # fmt: skip
    return enrolment


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


@pytest.fixture
def world(case):
    return World(case)


def read_years(viewer, enrolments):
    """Return grades and days of the years as of the enrolments, by enrolment id."""
    reachable = access.expand(viewer, enrolments, Reach.YEAR)
    return {
        y.row.id: (
            [
                tenths
                for subject in y.subjects
                for tenths in y.record.subjects[subject.id].terms
            ],
            y.lesson_counts.total,
        )
        for y in StudentYears(enrolments, reachable)
    }


@pytest.mark.guarantee(
    "A student's year is the same for everyone who sees its last enrolment: with all that "
    "came before it in the same year, at any school of the network, and nothing after."
)
def test_year_of_moved_student_is_the_same_for_every_viewer(case, world):
    for (place, role), viewer in world.viewers.items():
        visible = access.visible_enrolments(viewer)
        expected = {
            world.enrolments[index].pk: case.years[index]
            for index in world.seen_by(place, role)
        }

        assert read_years(viewer, visible) == expected, (place, role)


def test_reach_of_year_is_not_wider_than_the_members(case, world):
    for (place, role), viewer in world.viewers.items():
        for index in world.seen_by(place, role):
            selected = access.visible_enrolments(viewer).filter(
                pk=world.enrolments[index].pk
            )
            expected = {world.enrolments[int(n)] for n in case.members[index]}

            reachable = access.expand(viewer, selected, Reach.YEAR)

            assert set(reachable) == expected, (place, role, index)
            assert read_years(viewer, selected) == {
                world.enrolments[index].pk: case.years[index]
            }


def test_reach_of_enrolments_that_the_viewer_does_not_see_is_empty(case, world):
    everything = m.Enrolment.objects.all()
    for (place, role), viewer in world.viewers.items():
        seen = world.seen_by(place, role)
        expected = {
            world.enrolments[int(n)] for index in seen for n in case.members[index]
        }

        assert set(access.same_year(viewer, everything)) == expected, (place, role)


def test_transcript_of_moved_student_ends_where_the_school_does(case, world):
    viewers = {
        **{school: world.viewers[school, "staff"] for school in "ABC"},
        "network": world.viewers["network", "administrator"],
    }
    for place, lines in case.transcripts.items():
        rows = build_rows(viewers[place], "transcript", {"year": 2025})

        assert [(row["school"], _year_of_row(row)) for row in rows] == lines, place


def _year_of_row(row):
    tenths = [
        row[f"term_{n}"] and round(10 * float(row[f"term_{n}"])) for n in range(1, 5)
    ]
    return tenths, row["days"]


def test_final_results_have_the_same_days_for_school_and_network(case, world):
    for place in "ABC":
        rows = build_rows(
            world.viewers[place, "staff"], "final_results", {"year": 2025}
        )
        days = [_planned_and_absent(row) for row in rows]

        of_network = build_rows(
            world.viewers["network", "administrator"], "final_results", {"year": 2025}
        )
        assert days == [
            _planned_and_absent(r) for r in of_network if r["school"] == place
        ]


def _planned_and_absent(row):
    return {name: value for name, value in row.items() if name != "reasons"}


def test_scope_names_the_other_schools_that_were_read(world, case):
    for (place, role), viewer in world.viewers.items():
        visible = access.visible_enrolments(viewer)
        seen = world.seen_by(place, role)
        members = {int(n) for index in seen for n in case.members[index]} - set(seen)
        expected = {world.enrolments[n].school_class.school_id for n in members}

        scope = access.scope_of(viewer, access.expand(viewer, visible, Reach.YEAR))

        assert set(scope.other_schools) == expected, (place, role)
        assert Scope.from_json(scope.to_json()) == scope
        assert access.can_still_see(viewer, scope)


def test_prior_year_of_the_year_of_exit_is_shown_if_it_came_before(db):
    """A student who came in mid-year and left again had brought the first part along."""
    shown = {}
    for first, after in ((0, 10), (5, 10), (0, 19), (5, None)):
        world = World(
            Case([("A", first, after)], [], [], {}, endings=["transferred"])
            if after
            else Case([("A", first, after)], [], [], {})
        )
        for calendar_year in (2024, 2025, 2026):
            create_prior_year(world.student, calendar_year)
        viewer = world.viewers["A", "staff"]
        rows = build_rows(viewer, "transcript", {"year": 2025})
        elsewhere = [row["year"] for row in rows if row["school"] != "A"]
        shown[first, after] = elsewhere

    assert shown == {
        (0, 10): ["2024"],
        (5, 10): ["2024", "2025"],
        (0, 19): ["2024", "2025"],
        (5, None): ["2024", "2025", "2026"],
    }


def test_prior_year_is_hidden_from_who_entered_on_the_first_day_of_lessons(db):
    """The school year may begin days before its lessons, without any student."""
    world = World(Case([("A", 2, 10)], [], [], {}, endings=["transferred"]))
    create_prior_year(world.student, 2025)
    viewer = world.viewers["A", "staff"]

    def read_schools():
        rows = build_rows(viewer, "transcript", {"year": 2025})
        return {row["school"] for row in rows}

    assert len(read_schools()) == 2
    m.ClassSession.objects.filter(date__in=DAYS[:2]).delete()
    assert read_schools() == {"A"}
    # A year recorded in part says nothing of when its lessons began.
    m.ClassSession.objects.filter(date__in=DAYS[:5]).delete()
    assert len(read_schools()) == 2


def test_nothing_is_told_of_what_a_cut_enrolment_has_later(db):
    """The guest's school is told of neither an exam nor a useless record of later months."""
    case = CASES["a guest elsewhere for a term"]
    world = World(case)
    home, guest = world.enrolments
    offering = home.school_class.offerings.get()
    m.RecoveryGrade.objects.create(enrolment=home, offering=offering, tenths=99)
    with earlier_release():
        m.Grade.objects.create(enrolment=home, offering=offering, term=9, tenths=50)
        m.Enrolment.objects.filter(pk=home.pk).update(exit_date=DAYS[17])
        late = home.school_class.sessions.get(date=DAYS[18])
        m.Absence.objects.create(enrolment=home, session=late)

    def read(place):
        viewer = world.viewers[place, "staff"]
        selected = access.visible_enrolments(viewer)
        years = StudentYears(selected, access.expand(viewer, selected, Reach.YEAR))
        [one] = years
        [grades] = one.record.subjects.values()
        return grades.exam, dict(+years.skipped_records.counts)

    assert guest.exit_date < DAYS[17]
    of_guest = {"grade_after_exit": 2}
    assert read("B") == (None, of_guest)
    assert read("A") == (
        99,
        {**of_guest, "grade_outside_terms": 1, "absence_outside_enrolment": 1},
    )

"""Years of students who owe only some terms or subjects, or no grades at all."""

from datetime import date, timedelta
from fractions import Fraction

import pytest

from school import models as m
from school.records.years import StudentYears
from tests.support.school_factory import (
    NO_GRADE,
    NetworkFactory,
    create_level,
    create_subject,
)

pytestmark = pytest.mark.django_db
DAYS = [date(2026, 2, 2) + timedelta(days=n) for n in range(40)]
RULES = {"year_days": 1, "terms": 4, "pass_mark": "6.0", "recovery_rule": "weighted"}
SCALE = [
    {"label": "C", "lowest": "0.0", "highest": "4.9"},
    {"label": "B", "lowest": "5.0", "highest": "7.9"},
    {"label": "A", "lowest": "8.0", "highest": "10.0"},
]


class World:
    """A class with two subjects, in a year of four terms of ten days each."""

    def __init__(self, *, levels=1, **rules):
        self.factory = NetworkFactory()
        self.levels = [create_level(f"{n}º ano") for n in range(1, levels + 1)]
        self.arts, self.maths = (
            create_subject("Arte", 1),
            create_subject("Matemática", 2),
        )
        self.year = self.factory.create_year(2026, DAYS)
        if rules is not None:
            self.factory.create_rules(self.year, **{**RULES, **rules})
        self.school = self.factory.create_school("Escola")
        self.first, self.second = self.create_class("A"), self.create_class("B")

    def create_class(self, name):
        subjects = [self.arts, self.maths]
        return self.factory.create_class(
            self.school, self.year, name, self.levels, subjects, DAYS
        )

    def enrol(self, name="Ana", school_class=None, arts=(), maths=(), **fields):
        school_class = school_class or self.first
        fields.setdefault("grade_level", self.levels[0])
        enrolment = school_class.enrol(name, **fields)
        school_class.add_grades(enrolment, self.arts.pk, *arts)
        school_class.add_grades(enrolment, self.maths.pk, *maths)
        return enrolment

    def exempt(self, enrolment, subject, term=None):
        offering = enrolment.school_class.offerings.get(subject=subject)
        return m.Exemption.objects.create(
            enrolment=enrolment, offering=offering, term=term, reason="Laudo"
        )

    def give_concepts(self, enrolment, subject, concepts, exam=None):
        offering = enrolment.school_class.offerings.get(subject=subject)
        key = {"enrolment": enrolment, "offering": offering}
        for term, concept in enumerate(concepts, 1):
            m.Grade.objects.create(**key, term=term, concept=concept)
        if exam:
            m.RecoveryGrade.objects.create(**key, concept=exam)

    def close(self):
        self.year.is_closed = True
        self.year.save()

    def read(self, enrolment):
        """Return the student's year, and what was skipped."""
        of_student = m.Enrolment.objects.filter(student=enrolment.student_id)
        years = StudentYears(of_student.filter(pk=enrolment.pk), of_student)
        (year,) = years
        return year, dict(+years.skipped_records.counts)


def reasons(year):
    return [(reason.code, reason.subject_id) for reason in year.outcome.reasons]


def test_term_exempted_leaves_the_mean_of_the_others():
    world = World()
    ana = world.enrol(arts=[NO_GRADE, 54, 67, 100], maths=[70] * 4)
    world.exempt(ana, world.arts, term=1)
    world.close()

    year, skipped = world.read(ana)

    assert year.outcome.situation == "approved"
    assert year.outcome.subjects[world.arts.pk].final_mean == Fraction(221, 30)
    assert year.term_cells(world.arts.pk)[0] == "Disp."
    assert skipped == {}


def test_subject_exempted_leaves_the_others():
    world = World()
    ana = world.enrol(maths=[70] * 4)
    world.exempt(ana, world.arts)
    world.close()

    year, _skipped = world.read(ana)

    assert year.outcome.situation == "approved"
    assert reasons(year) == [("subject_exempt", world.arts.pk)]
    assert year.display_grade(world.arts.pk) == "Disp."


def test_grade_of_an_exempt_term_is_skipped():
    world = World()
    ana = world.enrol(arts=[0, 60, 60, 60], maths=[70] * 4)
    world.exempt(ana, world.arts, term=1)

    year, skipped = world.read(ana)

    assert year.record.subjects[world.arts.pk].terms[0] is None
    assert year.outcome.situation == "approved"
    assert skipped == {"grade_exempt": 1}


def test_exam_of_an_exempt_subject_is_skipped():
    world = World()
    ana = world.enrol(arts=[0, 60, 60, 60], maths=[70] * 4)
    offering = world.first.school_class.offerings.get(subject=world.arts)
    m.RecoveryGrade.objects.create(enrolment=ana, offering=offering, tenths=50)
    world.exempt(ana, world.arts)

    year, skipped = world.read(ana)

    assert year.record.subjects[world.arts.pk].exam is None
    assert skipped == {"grade_exempt": 5}


def test_exemption_of_the_former_class_ends_with_it():
    world = World()
    before = world.enrol(maths=[70, 70], exit_date=DAYS[20], ending="class_change")
    world.exempt(before, world.arts)
    now = world.enrol(
        before.student, world.second, arts=[NO_GRADE, NO_GRADE, 60], maths=[NO_GRADE, NO_GRADE, 70, 70],
        entry_date=DAYS[20],
    )  # fmt: skip

    subject = world.read(now)[0].record.subjects[world.arts.pk]

    assert subject.exempt_terms == {1, 2}
    assert list(subject.missing_terms) == [4]


def test_grade_of_the_new_class_is_newer_than_an_exemption():
    world = World()
    before = world.enrol(exit_date=DAYS[20], ending="class_change")
    world.exempt(before, world.arts)
    now = world.enrol(
        before.student, world.second, arts=[NO_GRADE, 80], entry_date=DAYS[20]
    )

    subject = world.read(now)[0].record.subjects[world.arts.pk]

    assert (subject.terms[1], subject.exempt_terms) == (80, {1})


def test_student_who_arrives_in_the_second_term_owes_three():
    world = World()
    entry = {"entry_date": DAYS[10]}
    ana = world.enrol(
        arts=[NO_GRADE, 60, 60, 60], maths=[NO_GRADE, 50, 60, 70], **entry
    )
    rui = world.enrol(
        "Rui", arts=[20, 60, 60, 60], maths=[NO_GRADE, 60, 60, 60], **entry
    )
    world.close()

    assert world.read(ana)[0].outcome.situation == "approved"
    # A grade that the former school sent along counts.
    assert world.read(rui)[0].outcome.subjects[world.arts.pk].mean == 5


def test_student_who_arrives_on_the_last_day_of_a_term_owes_it():
    world = World()
    ana = world.enrol(arts=[NO_GRADE, 60, 60, 60], maths=[60] * 4, entry_date=DAYS[9])
    world.close()

    year, _skipped = world.read(ana)

    assert (year.outcome.situation, reasons(year)) == (
        "incomplete",
        [("grades_missing", world.arts.pk)],
    )


def test_reclassified_student_owes_the_terms_of_the_new_level():
    world = World(levels=2)
    before = world.enrol(
        arts=[20, 20], maths=[20, 20], exit_date=DAYS[20], ending="reclassified"
    )
    now = world.enrol(
        before.student, world.second, arts=[NO_GRADE, NO_GRADE, 70, 70],
        maths=[NO_GRADE, NO_GRADE, 60, 60], entry_date=DAYS[20], grade_level=world.levels[1],
    )  # fmt: skip
    world.close()

    assert world.read(now)[0].outcome.situation == "approved"


def test_student_away_for_a_term_does_not_owe_it():
    world = World()
    before = world.enrol(
        arts=[60], maths=[60], exit_date=DAYS[10], ending="transferred"
    )
    now = world.enrol(
        before.student, world.second, arts=[NO_GRADE, NO_GRADE, 70, 70],
        maths=[NO_GRADE, NO_GRADE, 70, 70], entry_date=DAYS[20],
    )  # fmt: skip
    world.close()

    year, _skipped = world.read(now)

    assert year.record.subjects[world.arts.pk].outside_terms == {2}
    assert year.outcome.situation == "approved"


def test_student_who_left_still_owes_the_terms_after_the_exit():
    world = World()
    ana = world.enrol(
        arts=[60, 60], maths=[60, 60], exit_date=DAYS[20], ending="transferred"
    )

    year, _skipped = world.read(ana)

    assert year.outcome.subjects[world.arts.pk].standing == "open"
    assert year.outcome.subjects[world.arts.pk].final_mean is None


def test_subject_of_one_level_is_only_for_it():
    world = World(levels=2)
    offering = world.first.school_class.offerings.get(subject=world.arts)
    offering.grade_levels.add(world.levels[1])
    ana = world.enrol(maths=[60] * 4)
    rui = world.enrol("Rui", maths=[60] * 4, grade_level=world.levels[1])
    world.close()

    assert [s.id for s in world.read(ana)[0].subjects] == [world.maths.pk]
    assert world.read(ana)[0].outcome.situation == "approved"
    assert [s.id for s in world.read(rui)[0].subjects] == [
        world.arts.pk,
        world.maths.pk,
    ]
    assert world.read(rui)[0].outcome.situation == "incomplete"


def test_optional_and_uncounted_subjects_do_not_hold_up_a_year():
    world = World()
    m.Offering.objects.filter(subject=world.arts).update(is_optional=True)
    ana = world.enrol(maths=[60] * 4)
    rui = world.enrol("Rui", arts=[60], maths=[60] * 4)
    world.close()

    assert world.read(ana)[0].outcome.situation == "approved"
    assert world.read(rui)[0].outcome.situation == "incomplete"
    world.year.reopen("the subject does not count")
    m.Offering.objects.filter(subject=world.arts).update(counts_for_promotion=False)
    year, _skipped = world.read(rui)
    assert (year.outcome.situation, reasons(year)) == (
        "approved",
        [("subject_not_counted", world.arts.pk)],
    )


def test_year_without_grades_ends_by_attendance():
    world = World(
        pass_mark=None, recovery_rule="none", assessment="none", retention="none",
        minimum_attendance="60", year_days=40,
    )  # fmt: skip
    ana, rui = world.enrol(arts=[20]), world.enrol("Rui")
    world.first.add_absences(rui, *range(17))
    world.close()

    year, skipped = world.read(ana)
    assert (year.outcome.situation, skipped) == ("promoted", {"grade_in_other_form": 1})
    assert year.term_cells(world.arts.pk) == (None,) * 4
    year, _skipped = world.read(rui)
    assert year.outcome.situation == "promoted"
    assert reasons(year) == [("attendance_short", None), ("no_retention", None)]


def test_cycle_retains_only_at_its_end():
    world = World(levels=3, retention="attendance")
    end_of_cycle = world.levels[2]
    world.factory.create_rules(world.year, end_of_cycle, **RULES)
    students = [
        world.enrol(f"Aluno {n}", arts=[20] * 4, maths=[60] * 4, grade_level=level)
        for n, level in enumerate(world.levels)
    ]
    world.close()

    assert [world.read(s)[0].outcome.situation for s in students] == [
        "promoted",
        "promoted",
        "failed",
    ]


def test_council_retains_a_student():
    world = World()
    ana = world.enrol(arts=[60] * 4, maths=[60] * 4, retained_by_council=True)
    world.close()

    year, _skipped = world.read(ana)

    assert (year.outcome.situation, reasons(year)) == (
        "failed_by_council",
        [("retained_by_council", None)],
    )


@pytest.fixture
def concept_world():
    return World(
        pass_mark=None, assessment="concepts", scale=SCALE, pass_concept="B",
        recovery_rule="replace_if_higher",
    )  # fmt: skip


def test_given_concepts_decide_the_year(concept_world):
    ana = concept_world.enrol()
    concept_world.give_concepts(ana, concept_world.arts, "CCCB")
    concept_world.give_concepts(ana, concept_world.maths, "AAAC", exam="B")
    concept_world.close()

    year, skipped = concept_world.read(ana)

    assert (year.outcome.situation, skipped) == ("approved_after_recovery", {})
    assert year.term_cells(concept_world.maths.pk) == ("A", "A", "A", "C")
    assert year.exam_cell(concept_world.maths.pk) == "B"
    assert year.display_grade(concept_world.maths.pk) == "B"


def test_number_among_given_concepts_is_skipped(concept_world):
    ana = concept_world.enrol(arts=[100])

    year, skipped = concept_world.read(ana)

    assert year.term_cells(concept_world.arts.pk) == (None,) * 4
    assert skipped == {"grade_in_other_form": 1}


def test_concept_that_the_scale_lost_is_skipped(concept_world):
    ana = concept_world.enrol()
    concept_world.give_concepts(ana, concept_world.arts, "CCCC")
    profile = m.RuleProfile.objects.get(network=concept_world.factory.network)
    rules = profile.latest_version().rules
    scale = [{**SCALE[0], "label": "D"}, *SCALE[1:]]
    profile.revise(rules.model_copy(update={"scale": scale}))

    year, skipped = concept_world.read(ana)

    assert year.outcome.subjects[concept_world.arts.pk].standing == "open"
    assert skipped == {"grade_in_other_form": 4}


def test_newer_concept_of_another_class_counts(concept_world):
    before = concept_world.enrol(exit_date=DAYS[20], ending="class_change")
    concept_world.give_concepts(before, concept_world.arts, "CC")
    now = concept_world.enrol(before.student, concept_world.second, entry_date=DAYS[20])
    concept_world.give_concepts(now, concept_world.arts, "A")

    year, _skipped = concept_world.read(now)

    assert year.term_cells(concept_world.arts.pk) == ("A", "C", None, None)


def test_query_count_does_not_depend_on_the_number_of_students(
    django_assert_num_queries, concept_world
):
    for n in range(3):
        enrolment = concept_world.enrol(f"Aluno {n}")
        concept_world.exempt(enrolment, concept_world.arts)
    of_class = m.Enrolment.objects.filter(school_class=concept_world.first.pk)

    with django_assert_num_queries(10):
        assert len(list(StudentYears(of_class, of_class))) == 3


@pytest.mark.parametrize(
    ("rule", "cells", "mean"),
    [
        ("replace_if_higher", ["7.0", "6.5", "6.0", "5.0"], Fraction(49, 8)),
        ("mean", ["6.0", "5.75", "6.0", "5.0"], Fraction(91, 16)),
    ],
)
def test_recovery_of_a_term_combines_with_its_grade(rule, cells, mean):
    world = World(term_recovery=rule)
    ana = world.enrol(arts=[50, 65, 60, 50], maths=[70] * 4)
    for term, recovery in ((1, 70), (2, 50)):
        ana.grades.filter(offering__subject=world.arts, term=term).update(
            recovery_tenths=recovery
        )

    year, _skipped = world.read(ana)

    assert [str(cell) for cell in year.term_cells(world.arts.pk)] == cells
    assert year.outcome.subjects[world.arts.pk].mean == mean


def test_recovery_of_a_term_goes_with_the_grade_of_its_class():
    world = World(term_recovery="mean")
    before = world.enrol(arts=[50, 50], exit_date=DAYS[20], ending="class_change")
    before.grades.update(recovery_tenths=70)
    now = world.enrol(before.student, world.second, arts=[40], entry_date=DAYS[20])

    year, _skipped = world.read(now)

    assert [str(cell) for cell in year.term_cells(world.arts.pk)[:2]] == ["4.0", "6.0"]

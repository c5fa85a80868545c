"""Exemptions, given concepts and levels of subjects: what forms and the database refuse."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from school import erasure, write_context
from school import models as m
from tests.support.earlier_release import earlier_release
from tests.support.school_factory import (
    NetworkFactory,
    create_level,
    create_subject,
)

pytestmark = pytest.mark.django_db
DAYS = [date(2026, 2, 2) + timedelta(days=n) for n in range(40)]
SCALE = [
    {"label": "C", "lowest": "0.0", "highest": "4.9"},
    {"label": "B", "lowest": "5.0", "highest": "10.0"},
]


class Records:
    """A multi-grade class of a year with given concepts at one level, numbers at the other."""

    def __init__(self):
        factory = NetworkFactory()
        self.levels = [create_level(f"{n}º ano") for n in (1, 2)]
        self.other_level = create_level("9º ano")
        self.subject = create_subject("Arte", 1)
        self.year = factory.create_year(2026, DAYS)
        factory.create_rules(self.year)
        factory.create_rules(
            self.year, self.levels[0], pass_mark=None, assessment="concepts",
            scale=SCALE, pass_concept="B",
        )  # fmt: skip
        school = factory.create_school("Escola")
        self.classes = [
            factory.create_class(
                school, self.year, name, self.levels, [self.subject], DAYS
            )
            for name in ("A", "B")
        ]
        self.offering, self.other_offering = (
            one.school_class.offerings.get() for one in self.classes
        )
        self.by_concepts, self.by_numbers = (
            self.classes[0].enrol(f"Aluno de {level}", grade_level=level)
            for level in self.levels
        )


@pytest.fixture
def records():
    return Records()


def is_refused(record):
    """Return whether both the form and the database refuse the record."""
    answers = []
    for save in (record.full_clean, record.save):
        try:
            with transaction.atomic():
                save()
        except (ValidationError, IntegrityError):
            answers.append(True)
        else:
            answers.append(False)
    assert len({*answers}) == 1
    return answers[0]


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (m.Grade, {"term": 1}),
        (m.RecoveryGrade, {}),
    ],
)
def test_concept_must_be_one_of_the_students_rules(records, model, values):
    def make(enrolment, **fields):
        return model(enrolment=enrolment, offering=records.offering, **values, **fields)

    assert is_refused(make(records.by_concepts, concept="A"))
    assert is_refused(make(records.by_numbers, concept="B"))
    assert is_refused(make(records.by_concepts, concept="B", tenths=70))
    assert not is_refused(make(records.by_concepts, concept="B"))


def test_recovery_grade_must_have_a_grade_or_a_concept(records):
    assert is_refused(
        m.RecoveryGrade(enrolment=records.by_numbers, offering=records.offering)
    )


def test_concept_is_accepted_before_the_year_has_rules(records):
    m.YearRules.objects.all().delete()
    key = {"enrolment": records.by_concepts, "offering": records.offering}

    assert not is_refused(m.Grade(**key, term=1, concept="Bom"))


def test_recovery_of_a_term_needs_a_grade_and_rules_that_have_it(records):
    def make(**fields):
        values = {"enrolment": records.by_numbers, "offering": records.offering}
        return m.Grade(**{**values, "term": 1, **fields})

    assert is_refused(make(tenths=50, recovery_tenths=70))
    profile = m.YearRules.objects.get(
        school_year=records.year, grade_level=None
    ).version.profile
    rules = profile.latest_version().rules
    profile.revise(rules.model_copy(update={"term_recovery": "mean"}))
    assert is_refused(make(recovery_tenths=70))
    assert is_refused(make(tenths=50, recovery_tenths=101))
    assert not is_refused(make(tenths=50, recovery_tenths=70))


def test_history_of_grades_has_recoveries_of_terms(records):
    m.YearRules.objects.filter(school_year=records.year).delete()
    key = {"enrolment": records.by_numbers, "offering": records.offering}
    grade = m.Grade.objects.create(**key, term=1, tenths=50)

    for recovery in (70, 80):
        grade.recovery_tenths = recovery
        grade.save()
    grade.delete()

    changes = m.GradeChange.objects.filter(
        school_class=records.offering.school_class_id
    )
    assert [
        (
            c.action,
            c.old_tenths,
            c.new_tenths,
            c.old_recovery_tenths,
            c.new_recovery_tenths,
        )
        for c in changes.order_by("pk")
    ] == [
        ("changed", 50, 50, None, 70),
        ("changed", 50, 50, 70, 80),
        ("deleted", 50, None, 80, None),
    ]


def test_exemption_must_fit_its_enrolment_and_year(records):
    def make(**fields):
        values = {
            "enrolment": records.by_numbers,
            "offering": records.offering,
            "reason": "Laudo",
        }
        return m.Exemption(**{**values, **fields})

    assert is_refused(make(offering=records.other_offering))
    assert is_refused(make(term=5))
    assert is_refused(make(term=0))
    assert not is_refused(make(term=1))
    assert is_refused(make(term=1))
    assert not is_refused(make())
    assert is_refused(make())


def test_council_cannot_both_approve_and_retain(records):
    enrolment = records.by_numbers
    enrolment.approved_by_council = enrolment.retained_by_council = True

    assert is_refused(enrolment)


def test_levels_of_a_subject_are_levels_of_its_class(records):
    with pytest.raises(IntegrityError), transaction.atomic():
        records.offering.grade_levels.add(records.other_level)
    records.offering.grade_levels.add(records.levels[1])
    records.offering.school_class.enrolments.all().delete()

    with pytest.raises(IntegrityError), transaction.atomic():
        records.offering.school_class.grade_levels.remove(records.levels[1])


def test_class_without_levels_takes_subjects_of_every_level(records):
    records.offering.school_class.enrolments.all().delete()
    records.offering.school_class.grade_levels.clear()

    records.offering.grade_levels.add(records.other_level)

    assert records.offering.grade_levels.get() == records.other_level


def test_check_of_records_names_concepts_of_former_rules(records):
    key = {"enrolment": records.by_concepts, "offering": records.offering}
    with earlier_release():
        grade = m.Grade.objects.create(**key, term=1, concept="Z")

    with pytest.raises(CommandError, match=rf"school_grade: 1 row.* Ids: {grade.pk}$"):
        call_command("check_records")


@pytest.mark.parametrize(
    "write",
    [
        lambda r: m.Exemption.objects.update(term=2),
        lambda r: m.Exemption.objects.all().delete(),
        lambda r: m.Exemption.objects.create(
            enrolment=r.by_concepts, offering=r.offering
        ),
        lambda r: r.offering.grade_levels.add(r.levels[0]),
        lambda r: r.other_offering.grade_levels.clear(),
        lambda r: m.Offering.objects.update(is_optional=True),
        lambda r: m.Offering.objects.update(counts_for_promotion=False),
        lambda r: m.Enrolment.objects.update(retained_by_council=True),
        lambda r: r.by_concepts.grades.update(concept="C"),
        lambda r: r.by_concepts.grades.update(concept="", tenths=50),
        lambda r: r.by_concepts.recovery_grades.update(concept="C"),
    ],
)
def test_closed_year_keeps_what_decides_results(records, write):
    m.Exemption.objects.create(enrolment=records.by_numbers, offering=records.offering)
    records.other_offering.grade_levels.add(records.levels[1])
    key = {"enrolment": records.by_concepts, "offering": records.offering}
    m.Grade.objects.create(**key, term=1, concept="B")
    m.RecoveryGrade.objects.create(**key, concept="B")
    records.year.is_closed = True
    records.year.save()

    with pytest.raises(IntegrityError, match="closed year"), transaction.atomic():
        write(records)


def test_reason_of_an_exemption_may_be_corrected_in_a_closed_year(records):
    m.Exemption.objects.create(enrolment=records.by_numbers, offering=records.offering)
    records.year.is_closed = True
    records.year.save()

    m.Exemption.objects.update(reason="Laudo 12/2026")

    assert m.Exemption.objects.get().reason == "Laudo 12/2026"


def test_history_of_grades_has_concepts(records, admin):
    key = {"enrolment": records.by_concepts, "offering": records.offering}
    with write_context.acting(admin, reason="conselho"):
        grade = m.Grade.objects.create(**key, term=1, concept="C")
        exam = m.RecoveryGrade.objects.create(**key, concept="C")
        grade.concept = "B"
        grade.save()
        grade.save()  # nothing changes
        exam.delete()

    changes = m.GradeChange.objects.filter(
        school_class=records.offering.school_class_id
    )
    assert [
        (c.action, c.term, c.old_concept, c.new_concept, c.old_tenths, c.new_tenths)
        for c in changes.order_by("pk")
    ] == [
        ("added", 1, "", "C", None, None),
        ("added", None, "", "C", None, None),
        ("changed", 1, "C", "B", None, None),
        ("deleted", None, "C", "", None, None),
    ]


def test_erasure_of_a_student_takes_exemptions_along(records):
    m.Exemption.objects.create(enrolment=records.by_numbers, offering=records.offering)
    kept = m.Exemption.objects.create(
        enrolment=records.by_concepts, offering=records.offering
    )

    counts = erasure.erase_student(records.by_numbers.student, "pedido")

    assert counts["Exemption"] == 1
    assert m.Exemption.objects.get() == kept

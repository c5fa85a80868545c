import json
from decimal import ROUND_HALF_UP, Decimal

import pytest

from school.models import Absence, Enrolment, Grade, Offering
from tasks import artifacts
from tasks.errors import RequestRefused
from tests.making import asked, made

pytestmark = pytest.mark.django_db


def rows_of(task):
    return json.loads(artifacts.read(task.artifact))


def card_by_hand(enrolment, offering):
    given = dict(
        Grade.objects.filter(enrolment=enrolment, offering=offering).values_list(
            "term", "tenths"
        )
    )
    tenths = [given.get(term) for term in (1, 2, 3, 4)]
    known = [value for value in tenths if value is not None]
    mean = Decimal(sum(known)) / (10 * len(known)) if known else None
    return {
        "school": enrolment.school_class.school.name,
        "class": enrolment.school_class.name,
        "number": enrolment.diary_number,
        "registration": enrolment.student.registration,
        "student": enrolment.student.name,
        "subject": offering.subject.name,
        **{f"term_{n}": None if t is None else f"{t // 10}.{t % 10}" for n, t in enumerate(tenths, 1)},
        "mean": None if mean is None else str(mean.quantize(Decimal("0.01"), ROUND_HALF_UP)),
        "absences": Absence.objects.filter(enrolment=enrolment).count(),
    }  # fmt: skip


def test_class_s_cards_are_those_of_its_records(admin):
    for class_id in (1, 3, 4):
        rows = rows_of(made(admin, {"class_id": class_id}, kind="report_card"))

        expected = [
            card_by_hand(enrolment, offering)
            for enrolment in Enrolment.objects.filter(school_class=class_id).order_by(
                "diary_number"
            )
            for offering in Offering.objects.filter(school_class=class_id).order_by(
                "subject__order"
            )
        ]
        assert rows == expected


def test_student_who_moved_has_a_card_of_each_class(admin, stranger):
    asked_for = {"student_id": 67, "year": 2026}

    both = rows_of(made(admin, asked_for, kind="report_card"))
    one = rows_of(made(stranger, asked_for, kind="report_card"))

    assert len(both) == 20
    assert len(one) == 10
    assert {row["term_3"] for row in one} == {None}
    assert all(row["term_1"] is not None or row["term_2"] is not None for row in one)


def test_subject_without_grades_is_on_the_card(teacher):
    Grade.objects.filter(offering=2).delete()

    rows = rows_of(made(teacher, {"class_id": 1}, kind="report_card"))

    blank = [row for row in rows if row["subject"] == "Matemática"]
    assert len(blank) == Enrolment.objects.filter(school_class=1).count()
    assert {row["mean"] for row in blank} == {None}


@pytest.mark.parametrize("given", [{}, {"year": 2026}, {"student_id": 1}])
def test_whose_card_must_be_said(teacher, given):
    with pytest.raises(RequestRefused, match="Informe uma turma, ou um aluno e um ano"):
        asked(teacher, given, kind="report_card")

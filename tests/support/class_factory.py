"""Factories of small classes whose figures can be computed by hand."""

import datetime
from typing import Any

from school.grading.rules import Rules
from school.models import (
    Absence,
    ClassSession,
    Enrolment,
    Grade,
    GradeLevel,
    Offering,
    RecoveryGrade,
    RuleProfile,
    School,
    SchoolClass,
    SchoolYear,
    Student,
    Subject,
    Term,
    YearRules,
)

FIRST_DAY = datetime.date(2025, 2, 3)
DAYS_PER_TERM = 5
PORTUGUESE, MATHEMATICS = 1, 2


def school_day(index: int) -> datetime.date:
    """Return the day of that index in a year of four terms of five days, without holidays."""
    return FIRST_DAY + datetime.timedelta(days=index)


def get_year_2025(*, is_closed: bool = False) -> SchoolYear:
    """Return the network's school year 2025, creating it and its terms on the first call."""
    year, is_new = SchoolYear.objects.get_or_create(
        network_id=1,
        year=2025,
        defaults={
            "starts_on": FIRST_DAY,
            "ends_on": datetime.date(2025, 12, 19),
            "is_closed": is_closed,
        },
    )
    for number in range(1, 5) if is_new else ():
        first = DAYS_PER_TERM * (number - 1)
        Term.objects.create(
            school_year=year,
            number=number,
            starts_on=school_day(first),
            ends_on=school_day(first + DAYS_PER_TERM - 1),
        )
    return year


def set_rules(year: SchoolYear, level: int | None = None, **rules: Any) -> None:
    """Set the grading rules of the year, or of one grade level."""
    profile = RuleProfile.objects.create(
        network_id=1, code=f"own-{RuleProfile.objects.count()}", name="Own"
    )
    version = profile.revise(Rules(**{"terms": 4, "pass_mark": "6.0", **rules}))
    YearRules.objects.create(school_year=year, grade_level_id=level, version=version)


class SampleClass:
    """A class of 2025 with Portuguese and mathematics."""

    def __init__(
        self,
        name: str = "Turma A",
        school: int = 1,
        subjects: tuple[int, ...] = (PORTUGUESE, MATHEMATICS),
    ) -> None:
        self.year = get_year_2025()
        self.school_class = SchoolClass.objects.create(
            school=School.objects.get(pk=school),
            school_year=self.year,
            name=name,
            shift="morning",
        )
        self.school_class.grade_levels.add(GradeLevel.objects.get(pk=1))
        self._offerings = {
            subject: Offering.objects.create(
                school_class=self.school_class,
                subject=Subject.objects.get(pk=subject),
                hours=160,
            )
            for subject in subjects
        }

    @property
    def pk(self) -> int:
        return self.school_class.pk

    def add_sessions(self, *day_indexes: int) -> None:
        """Add lessons on the days of these indexes; days after the last term belong to it."""
        ClassSession.objects.bulk_create(
            ClassSession(
                school_class=self.school_class,
                date=school_day(index),
                term=min(4, index // DAYS_PER_TERM + 1),
            )
            for index in day_indexes
        )

    def enrol(self, name_or_student: str | Student, **fields: Any) -> Enrolment:
        """Enrol a student; create the student if only a name is given."""
        if isinstance(name_or_student, str):
            name_or_student = create_student(name_or_student)
        number = self.school_class.enrolments.count() + 1
        defaults = {
            "grade_level_id": 1,
            "diary_number": number,
            "entry_date": school_day(0),
        }
        return Enrolment.objects.create(
            student=name_or_student,
            school_class=self.school_class,
            **{**defaults, **fields},
        )

    def add_grades(
        self, enrolment: Enrolment, subject: int, *tenths: int | None, exam: Any = None
    ) -> None:
        """Add the grades of the terms in order, in tenths, and of the exam."""
        offering = self._offerings[subject]
        for term, value in enumerate(tenths, 1):
            Grade.objects.create(
                enrolment=enrolment, offering=offering, term=term, tenths=value
            )
        if exam is not None:
            RecoveryGrade.objects.create(
                enrolment=enrolment, offering=offering, tenths=exam
            )

    def add_absences(
        self, enrolment: Enrolment, *day_indexes: int, justified_count: int = 0
    ) -> None:
        """Add absences on the days of these indexes; the first `justified_count` are justified."""
        for rank, index in enumerate(day_indexes):
            Absence.objects.create(
                enrolment=enrolment,
                session=self.school_class.sessions.get(date=school_day(index)),
                is_justified=rank < justified_count,
            )


def create_student(name: str, **fields: Any) -> Student:
    defaults = {"registration": f"2025-{Student.objects.count()}", "birth_date": "2015-05-05"}  # fmt: skip
    return Student.objects.create(network_id=1, **{"name": name, **defaults, **fields})

"""Builder of small school networks: students, grades, absences and moves."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import count, pairwise
from typing import Any

from school import models as m
from school.grading.rules import Rules

LESSON_COUNT = 200
RECESS = (date(2026, 7, 4), date(2026, 7, 20))
CHILD_BIRTH_DATE = date(2014, 5, 20)
_serial = count(1)
"""Counter for values that must be unique among all networks of a test."""


def lesson_days(first: date, number: int) -> list[date]:
    """Return this many weekdays from that day on, skipping the recess of 2026."""
    days: list[date] = []
    day = first
    while len(days) < number:
        if day.weekday() < 5 and not RECESS[0] <= day < RECESS[1]:
            days.append(day)
        day += timedelta(days=1)
    return days


class NetworkBuilder:
    """Builder of one network; grades and absences are collected and inserted by `save`."""

    def __init__(self, name: str) -> None:
        self.code = f"net{next(_serial)}"
        self.network = m.Network.objects.create(code=self.code, name=name)
        self.sessions: dict[int, list[m.ClassSession]] = {}
        self.offerings: dict[int, list[m.Offering]] = {}
        self._rows: list[m.Grade | m.RecoveryGrade | m.Absence] = []

    def add_year(
        self,
        year: int,
        days: Sequence[date],
        *,
        terms: int = 4,
        period: str = "",
        is_closed: bool = False,
    ) -> m.SchoolYear:
        """Create a school year with this many consecutive terms of equal length."""
        school_year = m.SchoolYear.objects.create(
            network=self.network, year=year, period=period, is_closed=is_closed,
            starts_on=days[0], ends_on=days[-1],
        )  # fmt: skip
        term_starts = [days[len(days) * n // terms] for n in range(terms)]
        term_starts.append(days[-1] + timedelta(days=1))
        for number, (start, after) in enumerate(pairwise(term_starts), 1):
            end = after - timedelta(days=1)
            m.Term.objects.create(
                school_year=school_year, number=number, starts_on=start, ends_on=end
            )
        return school_year

    def add_school(self, name: str) -> m.School:
        code = f"{70000000 + next(_serial)}"
        return m.School.objects.create(
            network=self.network, name=name, inep_code=code, city="Manaus", state="AM",
            authorisation=f"Resolução {code}",
        )  # fmt: skip

    def add_level(self, name: str) -> m.GradeLevel:
        number = next(_serial)
        return m.GradeLevel.objects.create(
            code=f"level-{number}", name=name, order=500 + number
        )

    def add_subject(self, name: str, order: int) -> m.Subject:
        code = f"subject-{next(_serial)}"
        return m.Subject.objects.create(code=code, name=name, order=order)

    def add_rules(
        self,
        year: m.SchoolYear,
        content: dict[str, Any],
        level: m.GradeLevel | None = None,
    ) -> m.RuleProfile:
        """Create rules for one level of the year, or for all levels without their own rules."""
        profile = m.RuleProfile.objects.create(
            network=self.network, code=f"rules-{next(_serial)}", name="Regras"
        )
        version = profile.revise(Rules.from_json(content))
        m.YearRules.objects.create(school_year=year, grade_level=level, version=version)
        return profile

    def add_class(
        self,
        school: m.School,
        year: m.SchoolYear,
        name: str,
        levels: Iterable[m.GradeLevel],
        subjects: Iterable[m.Subject],
        days: Sequence[date],
    ) -> m.SchoolClass:
        """Create a class with lessons on these days, each in its term."""
        new_class = m.SchoolClass.objects.create(
            school=school, school_year=year, name=name, shift="morning"
        )
        new_class.grade_levels.set(levels)
        terms = list(year.terms.order_by("number"))
        sessions = [
            m.ClassSession(
                school_class=new_class, date=day,
                term=max([t.number for t in terms if t.starts_on <= day], default=1),
            )
            for day in days
        ]  # fmt: skip
        self.sessions[new_class.pk] = m.ClassSession.objects.bulk_create(sessions)
        self.offerings[new_class.pk] = [
            m.Offering.objects.create(
                school_class=new_class, subject=subject, hours=hours
            )
            for hours, subject in enumerate(subjects, 80)
        ]
        return new_class

    def add_student(
        self, name: str, birth_date: date = CHILD_BIRTH_DATE, social_name: str = ""
    ) -> m.Student:
        number = next(_serial)
        return m.Student.objects.create(
            network=self.network, registration=f"R{number}", name=name, birth_date=birth_date,
            social_name=social_name, birth_place="Manaus, AM", nationality="brasileira",
            parents=f"Mãe e pai {number}", inep_code=f"{number:012}",
        )  # fmt: skip

    def enrol(
        self,
        student: m.Student,
        school_class: m.SchoolClass,
        level: m.GradeLevel | None = None,
        **fields: object,
    ) -> m.Enrolment:
        """Create an enrolment, by default from the start of the year; `fields` are model fields."""
        class_size = school_class.enrolments.count()
        fields.setdefault("entry_date", school_class.school_year.starts_on)
        fields.setdefault("diary_number", class_size + 1)
        return m.Enrolment.objects.create(
            student=student, school_class=school_class,
            grade_level=level or school_class.grade_levels.get(), **fields,
        )  # fmt: skip

    def add_grades(
        self, enrolment: m.Enrolment, default_grades: str = "", **grades_by_subject: str
    ) -> None:
        """Collect grades in tenths per subject, named by the first three letters of its name.

        "60 - x" means 6.0, no record, and a null grade, in this order of terms.
        `default_grades` applies to all subjects that are not named.
        """
        for offering in self.offerings[enrolment.school_class_id]:
            text = grades_by_subject.get(
                offering.subject.name[:3].lower(), default_grades
            )
            for term, grade in enumerate(text.split(), 1):
                if grade != "-":
                    tenths = None if grade == "x" else int(grade)
                    self._rows.append(
                        m.Grade(
                            enrolment=enrolment,
                            offering=offering,
                            term=term,
                            tenths=tenths,
                        )  # fmt: skip
                    )

    def add_exams(self, enrolment: m.Enrolment, **tenths_by_subject: int) -> None:
        for offering in self.offerings[enrolment.school_class_id]:
            tenths = tenths_by_subject.get(offering.subject.name[:3].lower())
            if tenths is not None:
                exam = m.RecoveryGrade(
                    enrolment=enrolment, offering=offering, tenths=tenths
                )
                self._rows.append(exam)

    def add_absences(self, enrolment: m.Enrolment, day_indexes: Iterable[int]) -> None:
        """Collect absences on these 0-based lesson days of the class; every third is justified."""
        sessions = self.sessions[enrolment.school_class_id]
        self._rows += [
            m.Absence(
                enrolment=enrolment, session=sessions[day], is_justified=day % 3 == 0
            )
            for day in day_indexes
        ]

    def save(self) -> None:
        """Insert the collected records."""
        for model in (m.Grade, m.RecoveryGrade, m.Absence):
            rows = [row for row in self._rows if type(row) is model]
            model.objects.bulk_create(rows)
        self._rows = []

    def add_user(self, role: m.Role, **attachments: Iterable[object]) -> m.User:
        """Create a user attached to these records, by field name of `Attachment`."""
        user = m.User.objects.create(
            username=f"{role}{next(_serial)}", role=role, password="!"
        )
        for name, records in attachments.items():
            for record in records:
                m.Attachment.objects.create(user=user, **{name: record})
        return user

"""Builds small school networks, a line for each thing: pupils, marks, absences, moves."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import count, pairwise
from typing import Any

from school import models as m
from school.grading.rules import Rules

LESSONS = 200
RECESS = (date(2026, 7, 4), date(2026, 7, 20))
CHILD = date(2014, 5, 20)
_serial = count(1)
"""What must be unique among all networks of a test."""


def lesson_days(first: date, number: int) -> list[date]:
    """Mondays to Fridays from that day on, without the recess of 2026."""
    days: list[date] = []
    day = first
    while len(days) < number:
        if day.weekday() < 5 and not RECESS[0] <= day < RECESS[1]:
            days.append(day)
        day += timedelta(days=1)
    return days


class Builder:
    """One network; what there is much of is collected, and inserted by `save`."""

    def __init__(self, name: str) -> None:
        self.code = f"net{next(_serial)}"
        self.network = m.Network.objects.create(code=self.code, name=name)
        self.sessions: dict[int, list[m.ClassSession]] = {}
        self.offerings: dict[int, list[m.Offering]] = {}
        self._rows: list[m.Grade | m.RecoveryGrade | m.Absence] = []

    def year(
        self,
        year: int,
        days: Sequence[date],
        *,
        terms: int = 4,
        period: str = "",
        is_closed: bool = False,
    ) -> m.SchoolYear:
        """With that many terms of the same number of days, one after the other."""
        made = m.SchoolYear.objects.create(
            network=self.network, year=year, period=period, is_closed=is_closed,
            starts_on=days[0], ends_on=days[-1],
        )  # fmt: skip
        cuts = [days[len(days) * n // terms] for n in range(terms)]
        cuts.append(days[-1] + timedelta(days=1))
        for number, (start, after) in enumerate(pairwise(cuts), 1):
            end = after - timedelta(days=1)
            m.Term.objects.create(
                school_year=made, number=number, starts_on=start, ends_on=end
            )
        return made

    def school(self, name: str) -> m.School:
        code = f"{70000000 + next(_serial)}"
        return m.School.objects.create(
            network=self.network, name=name, inep_code=code, city="Manaus", state="AM",
            authorisation=f"Resolução {code}",
        )  # fmt: skip

    def level(self, name: str) -> m.GradeLevel:
        number = next(_serial)
        return m.GradeLevel.objects.create(
            code=f"level-{number}", name=name, order=500 + number
        )

    def subject(self, name: str, order: int) -> m.Subject:
        code = f"subject-{next(_serial)}"
        return m.Subject.objects.create(code=code, name=name, order=order)

    def rule(
        self,
        year: m.SchoolYear,
        content: dict[str, Any],
        level: m.GradeLevel | None = None,
    ) -> m.RuleProfile:
        """Judge that level of the year, or all that have no rules of their own, by these."""
        profile = m.RuleProfile.objects.create(
            network=self.network, code=f"rules-{next(_serial)}", name="Regras"
        )
        version = profile.revise(Rules.from_json(content))
        m.YearRules.objects.create(school_year=year, grade_level=level, version=version)
        return profile

    def school_class(
        self,
        school: m.School,
        year: m.SchoolYear,
        name: str,
        levels: Iterable[m.GradeLevel],
        subjects: Iterable[m.Subject],
        days: Sequence[date],
    ) -> m.SchoolClass:
        """A class with lessons on these days, each in the term that it falls into."""
        made = m.SchoolClass.objects.create(
            school=school, school_year=year, name=name, shift="morning"
        )
        made.grade_levels.set(levels)
        terms = list(year.terms.order_by("number"))
        sessions = [
            m.ClassSession(
                school_class=made, date=day,
                term=max([t.number for t in terms if t.starts_on <= day], default=1),
            )
            for day in days
        ]  # fmt: skip
        self.sessions[made.pk] = m.ClassSession.objects.bulk_create(sessions)
        self.offerings[made.pk] = [
            m.Offering.objects.create(school_class=made, subject=subject, hours=hours)
            for hours, subject in enumerate(subjects, 80)
        ]
        return made

    def student(
        self, name: str, born: date = CHILD, social_name: str = ""
    ) -> m.Student:
        number = next(_serial)
        return m.Student.objects.create(
            network=self.network, registration=f"R{number}", name=name, birth_date=born,
            social_name=social_name, birth_place="Manaus, AM", nationality="brasileira",
            parents=f"Mãe e pai {number}", inep_code=f"{number:012}",
        )  # fmt: skip

    def enrol(
        self,
        student: m.Student,
        school_class: m.SchoolClass,
        level: m.GradeLevel | None = None,
        **stay: object,
    ) -> m.Enrolment:
        """`stay` says from when to when, why it ended, and the council's word."""
        in_class = school_class.enrolments.count()
        stay.setdefault("entry_date", school_class.school_year.starts_on)
        stay.setdefault("diary_number", in_class + 1)
        return m.Enrolment.objects.create(
            student=student, school_class=school_class,
            grade_level=level or school_class.grade_levels.get(), **stay,
        )  # fmt: skip

    def marks(self, enrolment: m.Enrolment, rest: str = "", **by_name: str) -> None:
        """Tenths by subject, its name's first three letters: "60 - x" is 6.0, no record, a null.

        `rest` is of all subjects that are not named.
        """
        for offering in self.offerings[enrolment.school_class_id]:
            text = by_name.get(offering.subject.name[:3].lower(), rest)
            for term, mark in enumerate(text.split(), 1):
                if mark != "-":
                    tenths = None if mark == "x" else int(mark)
                    self._rows.append(
                        m.Grade(
                            enrolment=enrolment,
                            offering=offering,
                            term=term,
                            tenths=tenths,
                        )  # fmt: skip
                    )

    def exams(self, enrolment: m.Enrolment, **tenths: int) -> None:
        for offering in self.offerings[enrolment.school_class_id]:
            mark = tenths.get(offering.subject.name[:3].lower())
            if mark is not None:
                exam = m.RecoveryGrade(
                    enrolment=enrolment, offering=offering, tenths=mark
                )
                self._rows.append(exam)

    def absent(self, enrolment: m.Enrolment, days: Iterable[int]) -> None:
        """On the class's lesson days of these ranks, from 0; every third is justified."""
        sessions = self.sessions[enrolment.school_class_id]
        self._rows += [
            m.Absence(
                enrolment=enrolment, session=sessions[day], is_justified=day % 3 == 0
            )
            for day in days
        ]

    def save(self) -> None:
        """Insert what was collected."""
        for model in (m.Grade, m.RecoveryGrade, m.Absence):
            rows = [row for row in self._rows if type(row) is model]
            model.objects.bulk_create(rows)
        self._rows = []

    def user(self, role: m.Role, **attached: Iterable[object]) -> m.User:
        """Attached to these records, each under the name that `Attachment` has for it."""
        user = m.User.objects.create(
            username=f"{role}{next(_serial)}", role=role, password="!"
        )
        for name, records in attached.items():
            for record in records:
                m.Attachment.objects.create(user=user, **{name: record})
        return user

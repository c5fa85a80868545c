"""Factories of schools: whole networks, and classes whose figures can be computed by hand."""

from collections.abc import Container, Iterable, Sequence
from datetime import date, timedelta
from itertools import count, pairwise
from typing import Any, Literal

from school import models as m
from school.grading.rules import Rules

PORTUGUESE, MATHEMATICS = 1, 2
"""Ids of two subjects of the demo network."""
SCHOOL_DAYS = [date(2025, 2, 3) + timedelta(days=n) for n in range(320)]
"""School days of sample classes, without weekends and holidays, so that indexes are dates."""
DAYS_PER_TERM = 5
NO_GRADE = "-"
"""Term without a grade record; None is a record without a grade."""
_serial = count(1)
"""Counter for values that must be unique among all networks of a test."""


class NetworkFactory:
    """Factory of one network's records: of a new network, or of an existing one."""

    def __init__(self, network: m.Network | None = None, name: str = "Rede") -> None:
        code = f"net{next(_serial)}"
        self.network = network or m.Network.objects.create(code=code, name=name)

    def create_year(
        self,
        year: int,
        days: Sequence[date],
        *,
        terms: int = 4,
        days_per_term: int | None = None,
        **fields: Any,
    ) -> m.SchoolYear:
        """Create a school year from the first to the last day, with terms of equal length."""
        school_year = m.SchoolYear.objects.create(
            network=self.network, year=year, starts_on=days[0], ends_on=days[-1], **fields,
        )  # fmt: skip
        day_count = days_per_term * terms if days_per_term else len(days)
        starts = [days[day_count * n // terms] for n in range(terms)]
        starts.append(days[day_count - 1] + timedelta(days=1))
        for number, (start, after) in enumerate(pairwise(starts), 1):
            end = after - timedelta(days=1)
            m.Term.objects.create(
                school_year=school_year, number=number, starts_on=start, ends_on=end
            )
        return school_year

    def create_rules(
        self, year: m.SchoolYear, level: m.GradeLevel | None = None, **rules: Any
    ) -> m.RuleProfile:
        """Create rules for one level of the year, or for all levels without their own rules."""
        profile = m.RuleProfile.objects.create(
            network=self.network, code=f"rules-{next(_serial)}", name="Regras"
        )
        content = {"terms": 4, "pass_mark": "6.0", **rules}
        version = profile.revise(Rules.from_json(content))
        m.YearRules.objects.create(school_year=year, grade_level=level, version=version)
        return profile

    def create_school(self, name: str, **fields: Any) -> m.School:
        code = f"{70000000 + next(_serial)}"
        defaults = {"inep_code": code, "city": "Manaus", "state": "AM", "authorisation": f"Resolução {code}"}  # fmt: skip
        return m.School.objects.create(
            network=self.network, name=name, **{**defaults, **fields}
        )

    def create_class(
        self,
        school: m.School,
        year: m.SchoolYear,
        name: str,
        levels: Iterable[m.GradeLevel],
        subjects: Iterable[m.Subject],
        days: Sequence[date],
    ) -> "ClassFactory":
        """Create a class with lessons on all these days."""
        new_class = ClassFactory(school, year, name, levels, subjects, days)
        new_class.add_sessions(*range(len(days)))
        return new_class

    def create_student(self, name: str, **fields: Any) -> m.Student:
        number = next(_serial)
        defaults = {
            "registration": f"R{number}", "birth_date": date(2015, 5, 5),
            "birth_place": "Manaus, AM", "nationality": "brasileira",
            "parents": f"Mãe e pai {number}", "inep_code": f"{number:012}",
        }  # fmt: skip
        return m.Student.objects.create(
            network=self.network, name=name, **{**defaults, **fields}
        )


class ClassFactory:
    """Factory of one class and its records; days are given as indexes into `days`."""

    def __init__(
        self,
        school: m.School,
        year: m.SchoolYear,
        name: str,
        levels: Iterable[m.GradeLevel],
        subjects: Iterable[m.Subject],
        days: Sequence[date],
    ) -> None:
        self.year = year
        self.levels = list(levels)
        self.subject_ids = [subject.pk for subject in subjects]
        self.school_class = m.SchoolClass.objects.create(
            school=school, school_year=year, name=name, shift="morning"
        )
        self.school_class.grade_levels.set(self.levels)
        self._offerings = {
            subject_id: m.Offering.objects.create(
                school_class=self.school_class, subject_id=subject_id, hours=hours
            )
            for hours, subject_id in enumerate(self.subject_ids, 160)
        }
        self._days = days
        self._sessions: dict[int, m.ClassSession] = {}
        self._enrolment_count = 0

    @property
    def pk(self) -> int:
        return self.school_class.pk

    @property
    def offering_ids(self) -> dict[int, int]:
        """Ids of the offerings by subject id."""
        return {subject: offering.pk for subject, offering in self._offerings.items()}

    def add_sessions(self, *day_indexes: int) -> None:
        """Add a lesson on each of the days, in the newest term that has begun."""
        starts = {term.number: term.starts_on for term in self.year.terms.all()}
        sessions = [
            m.ClassSession(
                school_class=self.school_class, date=day,
                term=max((n for n, start in starts.items() if start <= day), default=1),
            )
            for day in map(self._days.__getitem__, day_indexes)
        ]  # fmt: skip
        m.ClassSession.objects.bulk_create(sessions)
        self._sessions |= dict(zip(day_indexes, sessions, strict=True))

    def enrol(self, name_or_student: str | m.Student, **fields: Any) -> m.Enrolment:
        """Enrol a student from the start of the year; create the student if only named."""
        if isinstance(name_or_student, str):
            network = NetworkFactory(self.school_class.school.network)
            name_or_student = network.create_student(name_or_student)
        if not {"grade_level", "grade_level_id"} & fields.keys():
            [fields["grade_level"]] = self.levels
        level = fields.get("grade_level") or m.GradeLevel(pk=fields["grade_level_id"])
        if level not in self.levels:  # a student in another level makes it multi-grade
            self.school_class.grade_levels.add(level)
        self._enrolment_count += 1
        defaults = {
            "diary_number": self._enrolment_count,
            "entry_date": self.year.starts_on,
        }
        return m.Enrolment.objects.create(
            student=name_or_student,
            school_class=self.school_class,
            **{**defaults, **fields},
        )

    def add_grades(
        self,
        enrolment: m.Enrolment,
        subject_id: int,
        *tenths: int | None | Literal["-"],
        exam: int | None = None,
    ) -> None:
        """Add the grades of the terms in order, in tenths, and of the exam."""
        offering = self._offerings[subject_id]
        m.Grade.objects.bulk_create(
            m.Grade(enrolment=enrolment, offering=offering, term=term, tenths=value)
            for term, value in enumerate(tenths, 1)
            if value != NO_GRADE
        )
        if exam is not None:
            m.RecoveryGrade.objects.create(
                enrolment=enrolment, offering=offering, tenths=exam
            )

    def add_absences(
        self,
        enrolment: m.Enrolment,
        *day_indexes: int,
        justified: Container[int] = (),
    ) -> None:
        """Add absences on lesson days."""
        m.Absence.objects.bulk_create(
            m.Absence(
                enrolment=enrolment,
                session=self._sessions[index],
                is_justified=index in justified,
            )
            for index in day_indexes
        )


def create_level(name: str) -> m.GradeLevel:
    number = next(_serial)
    return m.GradeLevel.objects.create(
        code=f"level-{number}", name=name, order=500 + number
    )


def create_subject(name: str, order: int) -> m.Subject:
    code = f"subject-{next(_serial)}"
    return m.Subject.objects.create(code=code, name=name, order=order)


def create_prior_year(
    student: m.Student,
    year: int,
    subjects: Iterable[tuple[str, str, int | None]] = (),
    **fields: Any,
) -> None:
    """Create a year in a school elsewhere; `subjects` have name, grade and hours."""
    defaults = {
        "grade_level": "5º ano",
        "school": "Escola Rio Negro",
        "result": "Aprovado",
    }
    prior_year = m.PriorYear.objects.create(
        student=student, year=year, **{**defaults, **fields}
    )
    for subject, grade, hours in subjects:
        m.PriorSubject.objects.create(
            prior_year=prior_year, subject=subject, grade=grade, hours=hours
        )


def create_user(
    role: str, username: str = "", **attachments: Iterable[object]
) -> m.User:
    """Create a user attached to these records or ids, by field name of `Attachment`."""
    user = m.User.objects.create(
        username=username or f"{role}{next(_serial)}", role=role, password="!"
    )
    for name, records in attachments.items():
        for record in records:
            m.Attachment.objects.create(user=user, **{name: record})
    return user


class SampleClass(ClassFactory):
    """Class of 2025 in the demo network, with Portuguese and mathematics and without lessons."""

    def __init__(
        self,
        name: str = "Turma A",
        school: int = 1,
        subjects: tuple[int, ...] = (PORTUGUESE, MATHEMATICS),
    ) -> None:
        super().__init__(
            m.School.objects.get(pk=school), get_year_2025(), name,
            [m.GradeLevel.objects.get(pk=1)],
            [m.Subject.objects.get(pk=pk) for pk in subjects], SCHOOL_DAYS,
        )  # fmt: skip


def school_day(index: int) -> date:
    """Return the day of that index in the year of the sample classes."""
    return SCHOOL_DAYS[index]


def get_year_2025() -> m.SchoolYear:
    """Return the demo network's school year 2025, creating it on the first call."""
    year = m.SchoolYear.objects.filter(network_id=1, year=2025, period="").first()
    return year or demo_network().create_year(
        2025, SCHOOL_DAYS, days_per_term=DAYS_PER_TERM
    )


def set_rules(year: m.SchoolYear, level: int | None = None, **rules: Any) -> None:
    """Set the grading rules of the year, or of one grade level."""
    grade_level = level and m.GradeLevel.objects.get(pk=level)
    demo_network().create_rules(year, grade_level, **rules)


def create_student(name: str, **fields: Any) -> m.Student:
    """Create a student of the demo network."""
    return demo_network().create_student(name, **fields)


def demo_network() -> NetworkFactory:
    """Return the factory of the demo network's further records."""
    return NetworkFactory(m.Network.objects.get(pk=1))

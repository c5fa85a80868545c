"""The histórico escolar: all years of a student, across schools, with what each came to."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import Self

from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from pydantic import Field, model_validator

from school.access import Reach
from school.grading import decimals, labels
from school.models import Enrolment, Role, School, Student
from school.records import prior_years
from school.records.enrolment_rows import BY_STUDENT, latest
from school.records.prior_years import YearElsewhere
from school.records.student_year import StudentYear
from tasks.rendering.columns import Column, Row
from tasks.rendering.table import Layout
from tasks.reporting.parameters import Year
from tasks.reporting.report import Report
from tasks.reporting.student_report import StudentParameters, StudentReport, term_title


class Parameters(StudentParameters):
    """Of whom: of one student nothing else needs to be said."""

    year: Year | None = Field(
        default=None,
        description=gettext_noop(
            "Students of this school year; needed where no class or student is named."
        ),
    )

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.class_id is self.year is self.student_id is None:
            raise ValueError(gettext("Name a student, a class, or a school year."))
        return self


class Transcript(StudentReport[Parameters]):
    title = _("Transcript")
    description = _(
        "Everything a student has done at school, year by year and also elsewhere: subjects, "
        "hours, grades, attendance and results. A school that the student has left sees "
        "nothing of what came after."
    )
    audience = frozenset({Role.ADMINISTRATOR, Role.STAFF})
    example = {"class_id": 1}
    formats = (*Report.formats, "zip")
    layout = Layout(
        heading=(
            "student",
            "social_name",
            "registration",
            "inep_code",
            "birth_date",
            "birth_place",
            "nationality",
            "parents",
            "identity_document",
            "birth_certificate",
        ),
        is_paged=True,
        is_wide=True,
        hidden=("situation", "explanation", "authorisation"),
    )
    reach = Reach.HISTORY
    order = BY_STUDENT

    def columns(self) -> Sequence[Column]:
        return [
            Column("student", _("Student")),
            Column("social_name", _("Social name")),
            Column("registration", _("Registration")),
            Column("inep_code", _("INEP code")),
            Column("birth_date", _("Date of birth"), "date"),
            Column("birth_place", _("Place of birth")),
            Column("nationality", _("Nationality")),
            Column("parents", _("Parents")),
            Column("identity_document", _("Identity document")),
            Column("birth_certificate", _("Birth certificate")),
            Column("year", _("School year")),
            Column("grade_level", _("Grade level")),
            Column("school", _("School")),
            Column("city", _("City")),
            Column("state", _("State")),
            Column("authorisation", _("Act of authorisation")),
            Column("subject", _("Subject")),
            Column("grade", _("Grade")),
            *(
                Column(f"term_{n}", term_title(n), "decimal")
                for n in range(1, self.years.terms + 1)
            ),
            Column("hours", _("Hours of lessons"), "integer"),
            Column("days", _("Days of lessons"), "integer"),
            # What another school wrote is a text all the same.
            Column("attendance", _("Attendance"), "percent"),
            Column("situation", _("Situation"), labels=labels.SITUATIONS),
            Column("result", _("Result")),
            Column("explanation", _("How it was reckoned")),
        ]

    @cached_property
    def listed(self) -> QuerySet[Enrolment]:
        return latest(self.seen)

    def rows(self) -> Iterator[Row]:
        years = groupby(self.years, key=lambda year: year.place.student_id)
        # Both in one order, and each of these students has a year: they keep step.
        students = prior_years.students(self._students())
        for (student, prior), (_id, of_student) in zip(students, years, strict=True):
            about = _identity(student)
            for line in self._lines(prior, list(of_student)):
                yield (*about, *line)

    def total(self) -> None:
        """Nobody knows before all years are read."""

    def _students(self) -> QuerySet[Student]:
        of_these = self.enrolments.order_by().values("student")
        return Student.objects.filter(pk__in=of_these).order_by("sort_key", "pk")

    def _lines(
        self, prior: Sequence[YearElsewhere], years: Sequence[StudentYear]
    ) -> Iterator[Row]:
        """Year by year; in a year, what was done elsewhere comes first."""
        there = [
            (one.year, self._of_prior_year(one))
            for one in prior
            if _is_before_leaving(one, years)
        ]
        here = [(year.place.year, self._of_year(year)) for year in years]
        for _year, lines in sorted([*there, *here], key=lambda part: part[0]):
            yield from lines

    def _of_year(self, year: StudentYear) -> Iterator[Row]:
        place, school = year.place, self._schools[year.place.school_id]
        frame = (place.year_label, place.level, *_of_school(school))
        situation = year.outcome.situation
        judged = (
            year.given.total,
            year.attendance,
            situation,
            labels.situation(situation),
        )
        for subject in year.subjects:
            yield (
                *frame,
                subject.name,
                year.told(subject.id),
                *self._terms(year.year.subjects[subject.id].terms),
                subject.hours,
                *judged,
                year.why_subject(subject.id),
            )
        if not year.subjects:
            yield (*frame, None, None, *self._terms(()), None, *judged, None)

    def _of_prior_year(self, prior: YearElsewhere) -> Iterator[Row]:
        school = (prior.school, prior.city or None, prior.state or None, None)
        frame = (str(prior.year), prior.grade_level, *school)
        judged = (prior.days, prior.attendance or None, None, prior.result)
        for s in prior.subjects:
            yield (
                *frame,
                s.subject,
                s.grade or None,
                *self._terms(()),
                s.hours,
                *judged,
                None,
            )
        if not prior.subjects:
            yield (*frame, None, None, *self._terms(()), None, *judged, None)

    def _terms(self, tenths: Sequence[int | None]) -> Row:
        missing = (None,) * (self.years.terms - len(tenths))
        return tuple(map(decimals.grade, (*tenths, *missing)))

    @cached_property
    def _schools(self) -> dict[int, School]:
        return School.objects.in_bulk()  # of a whole network there are some hundreds


def _of_school(school: School) -> Row:
    return (
        school.name,
        school.city or None,
        school.state or None,
        school.authorisation or None,
    )


def _identity(student: Student) -> Row:
    return (
        student.name,
        student.social_name or None,
        student.registration,
        student.inep_code or None,
        student.birth_date,
        student.birth_place or None,
        student.nationality or None,
        student.parents or None,
        student.identity_document or None,
        student.birth_certificate or None,
    )


def _is_before_leaving(prior: YearElsewhere, years: Sequence[StudentYear]) -> bool:
    """Whether who sees these years may know of it: a later year is the next school's."""
    # Of those before it, a year that nobody noted the end of says nothing.
    last = max(
        (year.place for year in years), key=lambda place: (place.entry, place.id)
    )
    if last.exit is not None:
        return prior.year < last.exit.year
    return not last.is_closed or prior.year <= last.year_ends_on.year

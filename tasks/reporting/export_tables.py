"""The tables that `data_export` gives: of which records, with which columns, in which order.

Names of columns are for programs: once published they stay. What a table tells of a student
is what the school's lists tell: by the social name where there is one, without papers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Expression, F, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from school.models import (
    ClassSession,
    Enrolment,
    GradeLevel,
    Offering,
    School,
    SchoolClass,
    SchoolYear,
    Student,
    Subject,
    Term,
)
from tasks.rendering.columns import Column
from tasks.rendering.query_source import Pick, Source, Tenths

Enrolments = QuerySet[Enrolment]


@dataclass(frozen=True)
class Export:
    records: Callable[[Enrolments], QuerySet[Any]]
    """What is recorded of these enrolments, and nothing of others."""
    order: Sequence[str]
    """A total one, by keys that are indexed: no millions of rows are sorted for it."""
    picks: Sequence[Pick]

    @property
    def columns(self) -> Sequence[Column]:
        return [pick.column for pick in self.picks]

    def source(self, enrolments: Enrolments) -> Source:
        records = self.records(enrolments.order_by())
        return Source(records.order_by(*self.order), self.picks)


def _pick(
    name: str,
    at: str = "",
    type: Literal["text", "integer", "date", "boolean"] = "text",
) -> Pick:
    """A field; `at` leads to it, if it is not the record's own of the same name."""
    *relations, field = (at or name).split("__")
    column = Column(name, name, type)  # the same name for people: they look it up by it
    return Pick(column, "__".join(relations), lambda prefix: F(prefix + field))


def _number(name: str, at: str = "") -> Pick:
    return _pick(name, at, "integer")


def _grade(name: str, at: str) -> Pick:
    column = Column(name, name, "decimal")
    return Pick(column, "", lambda _prefix: Tenths(F(at)))


def _called(at: str) -> Pick:
    def called(prefix: str) -> Expression:
        social_name = NullIf(prefix + "social_name", Value(""))
        return Coalesce(social_name, prefix + "name")

    return Pick(Column("student", "student"), at, called)


def _whose(class_path: str, student_path: str) -> Sequence[Pick]:
    """By whom and where, in words: so that no other table is needed to read one."""
    return (
        _number("year", f"{class_path}__school_year__year"),
        _pick("school", f"{class_path}__school__name"),
        _pick("class", f"{class_path}__name"),
        _pick("registration", f"{student_path}__registration"),
        _called(student_path),
    )


def _of_classes(model: Any, path: str) -> Callable[[Enrolments], QuerySet[Any]]:
    """Those that belong to a class in which somebody of them is."""
    return lambda enrolments: model.objects.filter(
        **{f"{path}__in": enrolments.values("school_class")}
    )


EXPORTS = {
    "schools": Export(
        lambda enrolments: School.objects.filter(
            pk__in=enrolments.values("school_class__school")
        ),
        ["pk"],
        [
            _number("school_id", "pk"), _pick("inep_code"), _pick("name"),
            _pick("address"), _pick("city"), _pick("state"),
        ],
    ),
    "school_years": Export(
        lambda enrolments: SchoolYear.objects.filter(
            pk__in=enrolments.values("school_class__school_year")
        ),
        ["pk"],
        [
            _number("school_year_id", "pk"), _number("year"), _pick("period"),
            _pick("starts_on", type="date"), _pick("ends_on", type="date"),
            _pick("is_closed", type="boolean"),
        ],
    ),
    "terms": Export(
        lambda enrolments: Term.objects.filter(
            school_year__in=enrolments.values("school_class__school_year")
        ),
        ["school_year_id", "number"],
        [
            _number("school_year_id"), _number("term", "number"),
            _pick("starts_on", type="date"), _pick("ends_on", type="date"),
        ],
    ),
    "grade_levels": Export(
        lambda enrolments: GradeLevel.objects.filter(
            pk__in=enrolments.values("grade_level")
        ),
        ["pk"],
        [
            _number("grade_level_id", "pk"), _pick("code"), _pick("name"),
            _number("order"),
        ],
    ),
    "subjects": Export(
        lambda enrolments: Subject.objects.filter(
            pk__in=_of_classes(Offering, "school_class")(enrolments).values("subject")
        ),
        ["pk"],
        [
            _number("subject_id", "pk"), _pick("code"), _pick("name"),
            _number("order"),
        ],
    ),
    "classes": Export(
        _of_classes(SchoolClass, "pk"),
        ["pk"],
        [
            _number("class_id", "pk"), _number("school_id"), _pick("school", "school__name"),
            _number("school_year_id"), _number("year", "school_year__year"),
            _pick("name"), _pick("shift"),
        ],
    ),
    "class_subjects": Export(
        _of_classes(Offering, "school_class"),
        ["school_class_id", "subject_id"],
        [
            _number("class_id", "school_class_id"), _number("subject_id"),
            _pick("subject", "subject__name"), _number("hours"),
        ],
    ),
    "class_days": Export(
        _of_classes(ClassSession, "school_class"),
        ["school_class_id", "date"],
        [
            _number("class_day_id", "pk"), _number("class_id", "school_class_id"),
            _pick("date", type="date"), _number("term"),
        ],
    ),
    "students": Export(
        lambda enrolments: Student.objects.filter(pk__in=enrolments.values("student")),
        ["pk"],
        [
            _number("student_id", "pk"), _pick("registration"), _called(""),
            _pick("birth_date", type="date"), _pick("inep_code"),
        ],
    ),
    "enrolments": Export(
        lambda enrolments: enrolments,
        ["pk"],
        [
            _number("enrolment_id", "pk"), _number("student_id"),
            _number("class_id", "school_class_id"), *_whose("school_class", "student"),
            _number("grade_level_id"), _number("number", "diary_number"),
            _pick("entry_date", type="date"), _pick("exit_date", type="date"),
            _pick("ending"), _pick("approved_by_council", type="boolean"),
        ],
    ),
    "grades": Export(
        lambda enrolments: enrolments.filter(grades__isnull=False),
        ["pk", "grades__pk"],
        [
            _number("enrolment_id", "pk"), *_whose("school_class", "student"),
            _number("subject_id", "grades__offering__subject_id"),
            _pick("subject", "grades__offering__subject__name"),
            _number("term", "grades__term"), _grade("grade", "grades__tenths"),
        ],
    ),
    "recovery_exams": Export(
        lambda enrolments: enrolments.filter(recovery_grades__isnull=False),
        ["pk", "recovery_grades__pk"],
        [
            _number("enrolment_id", "pk"), *_whose("school_class", "student"),
            _number("subject_id", "recovery_grades__offering__subject_id"),
            _pick("subject", "recovery_grades__offering__subject__name"),
            _grade("grade", "recovery_grades__tenths"),
        ],
    ),
    "absences": Export(
        lambda enrolments: enrolments.filter(absences__isnull=False),
        ["pk", "absences__session_id"],
        [
            _number("enrolment_id", "pk"), *_whose("school_class", "student"),
            _number("class_day_id", "absences__session_id"),
            _pick("date", "absences__session__date", "date"),
            _number("term", "absences__session__term"),
            _pick("is_justified", "absences__is_justified", "boolean"),
        ],
    ),
}  # fmt: skip

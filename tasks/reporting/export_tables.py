"""Tables of `data_export`: the records, columns and order of each.

Column names are a public interface for programs: once published they do not change. Students
appear as on the school's lists: by social name if they have one, without identity documents.
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
from tasks.rendering.query_source import ExportField, QuerySource, Tenths

Enrolments = QuerySet[Enrolment]


@dataclass(frozen=True)
class Export:
    select_records: Callable[[Enrolments], QuerySet[Any]]
    """Query for the records of these enrolments and of no others."""
    order: Sequence[str]
    """Total order by indexed keys, so that the database need not sort millions of rows."""
    fields: Sequence[ExportField]

    @property
    def columns(self) -> Sequence[Column]:
        return [field.column for field in self.fields]

    def query_source(self, enrolments: Enrolments) -> QuerySource:
        records = self.select_records(enrolments.order_by())
        return QuerySource(records.order_by(*self.order), self.fields)


def _field(
    name: str,
    path: str = "",
    type: Literal["text", "integer", "date", "boolean"] = "text",
) -> ExportField:
    """Build a field; `path` is the lookup from the record if it is not simply `name`."""
    *relations, field_name = (path or name).split("__")
    column = Column(name, name, type)  # title = name, so that people can look it up
    return ExportField(
        column, "__".join(relations), lambda prefix: F(prefix + field_name)
    )


def _integer(name: str, path: str = "") -> ExportField:
    return _field(name, path, "integer")


def _grade(name: str, path: str) -> ExportField:
    column = Column(name, name, "decimal")
    return ExportField(column, "", lambda _prefix: Tenths(F(path)))


def _student_name(path: str) -> ExportField:
    def display_name(prefix: str) -> Expression:
        social_name = NullIf(prefix + "social_name", Value(""))
        return Coalesce(social_name, prefix + "name")

    return ExportField(Column("student", "student"), path, display_name)


def _student_fields(class_path: str, student_path: str) -> Sequence[ExportField]:
    """Name the student, class and school, so that a table can be read without the others."""
    return (
        _integer("year", f"{class_path}__school_year__year"),
        _field("school", f"{class_path}__school__name"),
        _field("class", f"{class_path}__name"),
        _field("registration", f"{student_path}__registration"),
        _student_name(student_path),
    )


def _by_class(model: Any, path: str) -> Callable[[Enrolments], QuerySet[Any]]:
    """Select the records whose class (at `path`) has at least one of the enrolments."""
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
            _integer("school_id", "pk"), _field("inep_code"), _field("name"),
            _field("address"), _field("city"), _field("state"),
        ],
    ),
    "school_years": Export(
        lambda enrolments: SchoolYear.objects.filter(
            pk__in=enrolments.values("school_class__school_year")
        ),
        ["pk"],
        [
            _integer("school_year_id", "pk"), _integer("year"), _field("period"),
            _field("starts_on", type="date"), _field("ends_on", type="date"),
            _field("is_closed", type="boolean"),
        ],
    ),
    "terms": Export(
        lambda enrolments: Term.objects.filter(
            school_year__in=enrolments.values("school_class__school_year")
        ),
        ["school_year_id", "number"],
        [
            _integer("school_year_id"), _integer("term", "number"),
            _field("starts_on", type="date"), _field("ends_on", type="date"),
        ],
    ),
    "grade_levels": Export(
        lambda enrolments: GradeLevel.objects.filter(
            pk__in=enrolments.values("grade_level")
        ),
        ["pk"],
        [
            _integer("grade_level_id", "pk"), _field("code"), _field("name"),
            _integer("order"),
        ],
    ),
    "subjects": Export(
        lambda enrolments: Subject.objects.filter(
            pk__in=_by_class(Offering, "school_class")(enrolments).values("subject")
        ),
        ["pk"],
        [
            _integer("subject_id", "pk"), _field("code"), _field("name"),
            _integer("order"),
        ],
    ),
    "classes": Export(
        _by_class(SchoolClass, "pk"),
        ["pk"],
        [
            _integer("class_id", "pk"), _integer("school_id"), _field("school", "school__name"),
            _integer("school_year_id"), _integer("year", "school_year__year"),
            _field("name"), _field("shift"), _field("kind"),
        ],
    ),
    "class_subjects": Export(
        _by_class(Offering, "school_class"),
        ["school_class_id", "subject_id"],
        [
            _integer("class_id", "school_class_id"), _integer("subject_id"),
            _field("subject", "subject__name"), _integer("hours"),
            _field("counts_for_promotion", type="boolean"), _field("is_optional", type="boolean"),
        ],
    ),
    "class_subject_levels": Export(
        _by_class(Offering.grade_levels.through, "offering__school_class"),
        ["offering_id", "gradelevel_id"],
        [
            _integer("class_id", "offering__school_class_id"),
            _integer("subject_id", "offering__subject_id"),
            _integer("grade_level_id", "gradelevel_id"),
        ],
    ),
    "class_days": Export(
        _by_class(ClassSession, "school_class"),
        ["school_class_id", "date"],
        [
            _integer("class_day_id", "pk"), _integer("class_id", "school_class_id"),
            _field("date", type="date"), _integer("term"),
        ],
    ),
    "students": Export(
        lambda enrolments: Student.objects.filter(pk__in=enrolments.values("student")),
        ["pk"],
        [
            _integer("student_id", "pk"), _field("registration"), _student_name(""),
            _field("birth_date", type="date"), _field("inep_code"),
        ],
    ),
    "enrolments": Export(
        lambda enrolments: enrolments,
        ["pk"],
        [
            _integer("enrolment_id", "pk"), _integer("student_id"),
            _integer("class_id", "school_class_id"), *_student_fields("school_class", "student"),
            _integer("grade_level_id"), _integer("number", "diary_number"),
            _field("entry_date", type="date"), _field("exit_date", type="date"),
            _field("ending"), _field("approved_by_council", type="boolean"),
            _field("retained_by_council", type="boolean"),
        ],
    ),
    "grades": Export(
        lambda enrolments: enrolments.filter(grades__isnull=False),
        ["pk", "grades__pk"],
        [
            _integer("enrolment_id", "pk"), *_student_fields("school_class", "student"),
            _integer("subject_id", "grades__offering__subject_id"),
            _field("subject", "grades__offering__subject__name"),
            _integer("term", "grades__term"), _grade("grade", "grades__tenths"),
            _field("concept", "grades__concept"),
            _grade("term_recovery", "grades__recovery_tenths"),
        ],
    ),
    "recovery_exams": Export(
        lambda enrolments: enrolments.filter(recovery_grades__isnull=False),
        ["pk", "recovery_grades__pk"],
        [
            _integer("enrolment_id", "pk"), *_student_fields("school_class", "student"),
            _integer("subject_id", "recovery_grades__offering__subject_id"),
            _field("subject", "recovery_grades__offering__subject__name"),
            _grade("grade", "recovery_grades__tenths"),
            _field("concept", "recovery_grades__concept"),
        ],
    ),
    "exemptions": Export(
        lambda enrolments: enrolments.filter(exemptions__isnull=False),
        ["pk", "exemptions__pk"],
        [
            _integer("enrolment_id", "pk"), *_student_fields("school_class", "student"),
            _integer("subject_id", "exemptions__offering__subject_id"),
            _field("subject", "exemptions__offering__subject__name"),
            _integer("term", "exemptions__term"), _field("reason", "exemptions__reason"),
        ],
    ),
    "absences": Export(
        lambda enrolments: enrolments.filter(absences__isnull=False),
        ["pk", "absences__session_id"],
        [
            _integer("enrolment_id", "pk"), *_student_fields("school_class", "student"),
            _integer("class_day_id", "absences__session_id"),
            _field("date", "absences__session__date", "date"),
            _integer("term", "absences__session__term"),
            _field("is_justified", "absences__is_justified", "boolean"),
        ],
    ),
}  # fmt: skip

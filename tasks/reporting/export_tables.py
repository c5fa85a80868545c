"""Tables of `data_export`: the records, columns and order of each.

Column names are a public interface for programs: once published they do not change. Students
appear as on the school's lists: by social name if they have one, without identity documents.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from school.models import (
    ClassSession,
    GradeLevel,
    Offering,
    School,
    SchoolClass,
    SchoolYear,
    Student,
    Subject,
    Term,
)
from school.year_members import with_limits
from tasks.rendering.columns import Column
from tasks.rendering.query_source import ExportField, QuerySource
from tasks.reporting.export_fields import (
    field,
    grade_field,
    identifier_field,
    student_fields,
    student_id_fields,
    student_name_field,
)
from tasks.reporting.export_records import (
    Enrolments,
    by_class,
    by_day,
    by_term,
    of_whole_stay,
    unless_cut,
)


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


EXPORTS = {
    "schools": Export(
        lambda enrolments: School.objects.filter(
            pk__in=enrolments.values("school_class__school")
        ),
        ["pk"],
        [
            identifier_field("school_id", "pk"), field("inep_code"), field("name"),
            field("address"), field("city"), field("state"),
        ],
    ),
    "school_years": Export(
        lambda enrolments: SchoolYear.objects.filter(
            pk__in=enrolments.values("school_class__school_year")
        ),
        ["pk"],
        [
            identifier_field("school_year_id", "pk"), identifier_field("year"), field("period"),
            field("starts_on", type="date"), field("ends_on", type="date"),
            field("is_closed", type="boolean"),
        ],
    ),
    "terms": Export(
        lambda enrolments: Term.objects.filter(
            school_year__in=enrolments.values("school_class__school_year")
        ),
        ["school_year_id", "number"],
        [
            identifier_field("school_year_id"), identifier_field("term", "number"),
            field("starts_on", type="date"), field("ends_on", type="date"),
        ],
    ),
    "grade_levels": Export(
        lambda enrolments: GradeLevel.objects.filter(
            pk__in=enrolments.values("grade_level")
        ),
        ["pk"],
        [
            identifier_field("grade_level_id", "pk"), field("code"), field("name"),
            identifier_field("order"),
        ],
    ),
    "subjects": Export(
        lambda enrolments: Subject.objects.filter(
            pk__in=by_class(Offering, "school_class")(enrolments).values("subject")
        ),
        ["pk"],
        [
            identifier_field("subject_id", "pk"), field("code"), field("name"),
            identifier_field("order"),
        ],
    ),
    "classes": Export(
        by_class(SchoolClass, "pk"),
        ["pk"],
        [
            identifier_field("class_id", "pk"), identifier_field("school_id"),
            field("school", "school__name"), identifier_field("school_year_id"),
            identifier_field("year", "school_year__year"),
            field("name"), field("shift"), field("kind"),
        ],
    ),
    "class_subjects": Export(
        by_class(Offering, "school_class"),
        ["school_class_id", "subject_id"],
        [
            identifier_field("class_id", "school_class_id"), identifier_field("subject_id"),
            field("subject", "subject__name"), field("hours", type="integer"),
            field("counts_for_promotion", type="boolean"), field("is_optional", type="boolean"),
        ],
    ),
    "class_subject_levels": Export(
        by_class(Offering.grade_levels.through, "offering__school_class"),
        ["offering_id", "gradelevel_id"],
        [
            identifier_field("class_id", "offering__school_class_id"),
            identifier_field("subject_id", "offering__subject_id"),
            identifier_field("grade_level_id", "gradelevel_id"),
        ],
    ),
    "class_days": Export(
        by_class(ClassSession, "school_class"),
        ["school_class_id", "date"],
        [
            identifier_field("class_day_id", "pk"), identifier_field("class_id", "school_class_id"),
            field("date", type="date"), identifier_field("term"),
        ],
    ),
    "students": Export(
        lambda enrolments: Student.objects.filter(pk__in=enrolments.values("student")),
        ["pk"],
        [
            identifier_field("student_id", "pk"), field("registration"), student_name_field(""),
            field("birth_date", type="date"), field("inep_code"),
        ],
    ),
    "enrolments": Export(
        with_limits,
        ["pk"],
        [
            identifier_field("enrolment_id", "pk"), identifier_field("student_id"),
            identifier_field("class_id", "school_class_id"),
            *student_fields("school_class", "student"),
            identifier_field("grade_level_id"), identifier_field("number", "diary_number"),
            field("entry_date", type="date"), unless_cut(field("exit_date", type="date")),
            unless_cut(field("ending"), ""), unless_cut(field("approved_by_council", type="boolean")),
            unless_cut(field("retained_by_council", type="boolean")),
            identifier_field("school_id", "school_class__school_id"),
        ],
    ),
    "grades": Export(
        by_term("grades"),
        ["pk", "grades__pk"],
        [
            identifier_field("enrolment_id", "pk"), *student_fields("school_class", "student"),
            identifier_field("subject_id", "grades__offering__subject_id"),
            field("subject", "grades__offering__subject__name"),
            identifier_field("term", "grades__term"), grade_field("grade", "grades__tenths"),
            field("concept", "grades__concept"),
            grade_field("term_recovery", "grades__recovery_tenths"),
            *student_id_fields(),
        ],
    ),
    "recovery_exams": Export(
        of_whole_stay("recovery_grades"),
        ["pk", "recovery_grades__pk"],
        [
            identifier_field("enrolment_id", "pk"), *student_fields("school_class", "student"),
            identifier_field("subject_id", "recovery_grades__offering__subject_id"),
            field("subject", "recovery_grades__offering__subject__name"),
            grade_field("grade", "recovery_grades__tenths"),
            field("concept", "recovery_grades__concept"), *student_id_fields(),
        ],
    ),
    "exemptions": Export(
        by_term("exemptions"),
        ["pk", "exemptions__pk"],
        [
            identifier_field("enrolment_id", "pk"), *student_fields("school_class", "student"),
            identifier_field("subject_id", "exemptions__offering__subject_id"),
            field("subject", "exemptions__offering__subject__name"),
            identifier_field("term", "exemptions__term"), field("reason", "exemptions__reason"),
            *student_id_fields(),
        ],
    ),
    "absences": Export(
        by_day("absences", "absences__session__date"),
        ["pk", "absences__session_id"],
        [
            identifier_field("enrolment_id", "pk"), *student_fields("school_class", "student"),
            identifier_field("class_day_id", "absences__session_id"),
            field("date", "absences__session__date", "date"),
            identifier_field("term", "absences__session__term"),
            field("is_justified", "absences__is_justified", "boolean"),
            *student_id_fields(),
        ],
    ),
}  # fmt: skip

"""Fields of the tables of `data_export`: each column with the expression of its cells."""

from collections.abc import Mapping, Sequence

from django.db.models import Expression, F, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from school.grading.labels import SITUATION_LABELS
from school.grading.outcome import EXIT_SITUATIONS
from school.models import Enrolment, SchoolClass
from tasks.rendering.columns import Column, ColumnType
from tasks.rendering.query_source import ExportField, Tenths

Text = str | Promise
TITLES: Mapping[str, Text] = {
    "address": _("Address"),
    "approved_by_council": _("Approved by the class council"),
    "birth_date": _("Date of birth"),
    "city": _("City"),
    "class": _("Class"),
    "class_day_id": _("Day of lessons id"),
    "class_id": _("Class id"),
    "code": _("Code"),
    "concept": _("Concept"),
    "counts_for_promotion": _("Counts for promotion"),
    "date": _("Date"),
    "ending": _("Reason for leaving"),
    "ends_on": _("End"),
    "enrolment_id": _("Enrolment id"),
    "entry_date": _("Entry"),
    "exit_date": _("Exit"),
    "grade": _("Grade"),
    "grade_level_id": _("Grade level id"),
    "hours": _("Hours of lessons"),
    "inep_code": _("INEP code"),
    "is_closed": _("Closed"),
    "is_justified": _("Justified"),
    "is_optional": _("Optional"),
    "kind": _("Kind"),
    "name": _("Name"),
    "number": _("Number"),
    "order": _("Order"),
    "period": _("Period of the year"),
    "reason": _("Reason for the exemption"),
    "registration": _("Registration"),
    "retained_by_council": _("Retained by the class council"),
    "school": _("School"),
    "school_id": _("School id"),
    "school_year_id": _("School year id"),
    "shift": _("Shift"),
    "starts_on": _("Start"),
    "state": _("State"),
    "student": _("Student"),
    "student_id": _("Student id"),
    "subject": _("Subject"),
    "subject_id": _("Subject id"),
    "term": _("Term"),
    "term_recovery": _("Term recovery"),
    "year": _("School year"),
}
"""Titles by column name; a name means the same in all tables."""
LABELS: Mapping[str, Mapping[str, Text]] = {
    "ending": {
        ending: SITUATION_LABELS[EXIT_SITUATIONS[ending]]
        for ending in Enrolment.Ending.values
    },
    "kind": dict(SchoolClass.Kind.choices),
    "shift": dict(SchoolClass.Shift.choices),
}
"""Labels of codes by column name."""


def field(
    name: str,
    path: str = "",
    type: ColumnType = "text",
) -> ExportField:
    """Build a field; `path` is the lookup from the record if it is not simply `name`."""
    *relations, field_name = (path or name).split("__")
    column = Column(name, TITLES[name], type, LABELS.get(name, {}))
    return ExportField(
        column, "__".join(relations), lambda prefix: F(prefix + field_name)
    )


def identifier_field(name: str, path: str = "") -> ExportField:
    return field(name, path, "identifier")


def grade_field(name: str, path: str) -> ExportField:
    column = Column(name, TITLES[name], "decimal")
    return ExportField(column, "", lambda _prefix: Tenths(F(path)))


def student_name_field(path: str) -> ExportField:
    def display_name(prefix: str) -> Expression:
        social_name = NullIf(prefix + "social_name", Value(""))
        return Coalesce(social_name, prefix + "name")

    return ExportField(Column("student", TITLES["student"]), path, display_name)


def student_fields(class_path: str, student_path: str) -> Sequence[ExportField]:
    """Name the student, class and school, so that a table can be read without the others."""
    return (
        identifier_field("year", f"{class_path}__school_year__year"),
        field("school", f"{class_path}__school__name"),
        field("class", f"{class_path}__name"),
        field("registration", f"{student_path}__registration"),
        student_name_field(student_path),
    )


def student_id_fields() -> Sequence[ExportField]:
    """Give the ids of an enrolment's student, class and school."""
    return (
        identifier_field("student_id"),
        identifier_field("class_id", "school_class_id"),
        identifier_field("school_id", "school_class__school_id"),
    )

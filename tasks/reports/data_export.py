"""Raw records, one table per report, for programs that keep their own copy."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Literal

from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from school.access import Reach
from school.models import Role
from school.year_members import with_earlier_members
from tasks.rendering.columns import Column, Row
from tasks.rendering.query_source import QuerySource
from tasks.reporting.export_tables import EXPORTS
from tasks.reporting.parameters import SelectionParameters, Year, choices
from tasks.reporting.report import Report


class Parameters(SelectionParameters):
    alternatives = ()  # programs keep a copy of all years

    year: Year | None = Field(
        default=None,
        description=gettext_noop(
            "Only school years of this number, or with days in this calendar year. Without a "
            "year, all school years."
        ),
    )
    table: Literal[
        "schools",
        "school_years",
        "terms",
        "grade_levels",
        "subjects",
        "classes",
        "class_subjects",
        "class_subject_levels",
        "class_days",
        "students",
        "enrolments",
        "grades",
        "recovery_exams",
        "exemptions",
        "absences",
    ] = Field(
        description=gettext_noop(
            "The table to export. Ids are the same in all tables."
        ),
        json_schema_extra=choices(
            {
                "schools": gettext_noop("Schools"),
                "school_years": gettext_noop("School years"),
                "terms": gettext_noop("Terms"),
                "grade_levels": gettext_noop("Grade levels"),
                "subjects": gettext_noop("Subjects"),
                "classes": gettext_noop("Classes"),
                "class_subjects": gettext_noop("Subjects of classes"),
                "class_subject_levels": gettext_noop("Levels of subjects of classes"),
                "class_days": gettext_noop("Days of lessons"),
                "students": gettext_noop("Students"),
                "enrolments": gettext_noop("Enrolments"),
                "grades": gettext_noop("Grades"),
                "recovery_exams": gettext_noop("Recovery exams"),
                "exemptions": gettext_noop("Exemptions"),
                "absences": gettext_noop("Absences"),
            }
        ),
    )


class DataExport(Report[Parameters]):
    title = _("Data export")
    description = _(
        "Raw records as flat rows, one table at a time, with stable column names, for a data "
        "warehouse or other software."
    )
    allowed_roles = frozenset({Role.ADMINISTRATOR, Role.STAFF})
    example = {"table": "grades", "class_id": 1}
    formats = ("csv", "csv-br", "json", "jsonl", "xlsx")
    queue = "reports.bulk"
    time_limit = timedelta(minutes=30)
    reach = Reach.YEAR

    def columns(self) -> Sequence[Column]:
        return EXPORTS[self.parameters.table].columns

    def rows(self) -> Iterator[Row]:
        return self.query_source().rows()

    def total(self) -> int:
        return self.query_source().count

    def query_source(self) -> QuerySource:
        return self._query_source

    @cached_property
    def _query_source(self) -> QuerySource:
        enrolments = with_earlier_members(self.enrolments, self.reachable)
        return EXPORTS[self.parameters.table].query_source(enrolments)

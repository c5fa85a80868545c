"""Base of the reports that list students: parameters, identity columns and student years."""

from abc import ABC
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import ClassVar, Generic, TypeVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from pydantic import Field

from school.access import Reach
from school.grading import labels
from school.grading.labels import REASON_LABELS
from school.grading.outcome import Situation
from school.grading.reasons import list_reason_codes
from school.grading.sentences import term_name
from school.models import Enrolment, RuleVersion, SchoolYear
from school.records.enrolment_rows import ORDER_BY_CLASS, EnrolmentRow
from school.records.student_year import StudentYear
from school.records.years import StudentYears
from school.year_members import in_other_classes, in_regular_classes, latest_enrolments
from tasks.rendering.columns import Cell, Column
from tasks.reporting.id_columns import CLASS_ID, SCHOOL_ID, STUDENT_ID
from tasks.reporting.parameters import Id, Ids, SelectionParameters
from tasks.reporting.report import Report


class StudentParameters(SelectionParameters):
    """Selection of students: a class, a school, one student or all, in a year."""

    exclusive = (*SelectionParameters.exclusive, ("student_id", "student_ids"))

    student_id: Id | None = Field(
        default=None, description=gettext_noop("Only this student.")
    )
    student_ids: Ids | None = Field(
        default=None,
        description=gettext_noop(
            "Only these students. For a guardian without a student, all their children."
        ),
    )


P = TypeVar("P", bound=StudentParameters)

IDENTITY_COLUMNS = (
    Column("school", gettext_lazy("School")),
    Column("year", gettext_lazy("School year")),
    Column("class", gettext_lazy("Class")),
    Column("grade_level", gettext_lazy("Grade level")),
    Column("number", gettext_lazy("Number"), "identifier"),
    Column("registration", gettext_lazy("Registration")),
    Column("student", gettext_lazy("Student")),
)
ID_COLUMNS = (STUDENT_ID, CLASS_ID, SCHOOL_ID)
REASON_CODES_COLUMN = Column(
    "reason_codes",
    gettext_lazy("Reasons in short"),
    labels=REASON_LABELS,
    audience="programs",
)
PARTIAL_COLUMN = Column("partial", gettext_lazy("Partial"), "boolean")
"""Column of the layout's `partial`."""


def term_title(number: int, versions: Iterable[RuleVersion]) -> str:
    """Return the title of a term; the rules' own kind of term if all of them share one."""
    kinds = {version.rules.term_kind for version in versions}
    kind = kinds.pop() if len(kinds) == 1 else "term"
    if kind == "term":
        return _("Term %(number)s") % {"number": number}
    return term_name(kind, number)


def no_regular_class_reason(enrolments: QuerySet[Enrolment]) -> str | None:
    """Return the reason why a report on enrolments in other classes only is empty."""
    if not enrolments.exists() or in_regular_classes(enrolments).exists():
        return None
    return _(
        "Only regular classes have results. Specialised support (AEE) and complementary "
        "classes have attendance, in the attendance report of the class."
    )


class StudentReport(Report[P], ABC, Generic[P]):
    """A report that evaluates each student's year."""

    reach = Reach.YEAR
    # One page for each of 100,000 students takes about twenty minutes on two processors.
    time_limit = timedelta(hours=1)
    bulk_queue = "reports.bulk"
    order: ClassVar[Sequence[str]] = ORDER_BY_CLASS
    latest_only: ClassVar[bool] = True
    """True if a student who changed class is listed in the last class only."""
    lists_other_classes: ClassVar[bool] = False
    """True if the report of a class that is not regular lists its students."""

    with_grades: ClassVar[bool] = True
    """True if the report needs grades; False if it needs attendance only."""

    @cached_property
    def row_enrolments(self) -> QuerySet[Enrolment]:
        if self._is_of_any_class:
            enrolments = self.enrolments
        else:
            enrolments = in_regular_classes(self.enrolments)
        return latest_enrolments(enrolments) if self.latest_only else enrolments

    @cached_property
    def years(self) -> StudentYears:
        return StudentYears(
            self.row_enrolments,
            self.reachable,
            order=self.order,
            with_grades=self.with_grades,
        )

    def term_title(self, number: int) -> str:
        return term_title(number, self.years.rule_versions)

    def situation_column(self) -> Column:
        """Return the column of situations, in the words of the rules that decide them."""
        rules = [version.rules for version in self.years.rule_versions]
        return Column(
            "situation", _("Situation"), labels=labels.situation_labels(rules)
        )

    def situation_label(self, situation: Situation | None) -> str:
        rules = [version.rules for version in self.years.rule_versions]
        return labels.situation_label(situation, rules)

    def has_given_concepts(self) -> bool:
        """Return whether teachers give concepts in all years of the report."""
        kinds = {version.rules.assessment for version in self.years.rule_versions}
        return kinds == {"concepts"}

    def is_partial(self) -> bool:
        if not self.layout.partial:
            return False
        open_years = SchoolYear.objects.filter(is_closed=False)
        classes = self.row_enrolments.order_by().values("school_class")
        return open_years.filter(classes__in=classes).exists()

    def summary_text(self, rows: int) -> str | None:
        """Return the summary, with a note if results are partial; documents say so in their head."""
        summary = super().summary_text(rows)
        if not rows or not self.is_partial():
            return summary
        note = _("Partial: a school year is open, and its results may still change.")
        return f"{note} {summary}" if summary else note

    def identity_cells(self, enrolment: EnrolmentRow) -> tuple[Cell, ...]:
        """Return the cells of `IDENTITY_COLUMNS`."""
        return (
            self.school_label(enrolment.school_id, enrolment.school),
            enrolment.year_label,
            enrolment.class_name,
            enrolment.level,
            enrolment.number,
            enrolment.registration,
            enrolment.display_name,
        )

    @staticmethod
    def id_cells(enrolment: EnrolmentRow) -> tuple[Cell, ...]:
        """Return the cells of `ID_COLUMNS`."""
        return enrolment.student_id, enrolment.class_id, enrolment.school_id

    @staticmethod
    def reason_codes_cell(year: StudentYear) -> str | None:
        """Return the cell of `REASON_CODES_COLUMN`."""
        return " ".join(list_reason_codes(year.outcome)) or None

    def rules(self) -> Sequence[str]:
        return [str(version) for version in self.years.rule_versions]

    def skipped_counts(self) -> Mapping[str, int]:
        counts = self.years.skipped_records.counts
        if self._is_of_any_class:
            return counts
        return {**counts, "not_regular": in_other_classes(self.enrolments).count()}

    def empty_reason(self) -> str:
        if self._is_of_any_class:
            return super().empty_reason()
        return no_regular_class_reason(self.enrolments) or super().empty_reason()

    @property
    def _is_of_any_class(self) -> bool:
        return self.lists_other_classes and self.parameters.names_classes

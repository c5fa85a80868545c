"""Grade statistics of each class by subject and term."""

from collections.abc import Iterator, Mapping, Sequence

from django.db.models import (
    Case,
    Count,
    F,
    Max,
    Min,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.lookups import IsNull
from django.utils.functional import cached_property
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from school.db.streaming import RawIntegerField, stream_values
from school.grading import decimals
from school.models import Enrolment, Grade, Offering, Role, RuleVersion
from school.models.network import year_label
from school.records.aggregates import GradeAggregates
from school.records.calendar import AcademicCalendar
from school.records.enrolment_rows import list_year_levels
from school.records.grade_filter import GradeFilter
from school.records.pass_marks import pass_mark_in_tenths
from school.year_members import in_other_classes, in_regular_classes
from tasks.rendering.columns import Column, Row
from tasks.rendering.table import Layout
from tasks.reporting.id_columns import CLASS_ID, SCHOOL_ID
from tasks.reporting.parameters import SelectionParameters, TermNumber
from tasks.reporting.report import Report
from tasks.reporting.student_report import no_regular_class_reason, term_title


class Parameters(SelectionParameters):
    term: TermNumber | None = Field(
        default=None, description=gettext_noop("Only this term.")
    )


class ClassPerformance(Report[Parameters]):
    title = _("Class performance")
    description = _(
        "For each class, subject and term: how many grades there are, their mean, lowest, "
        "highest and standard deviation, and the share at or above the pass mark."
    )
    allowed_roles = frozenset({Role.ADMINISTRATOR, Role.STAFF, Role.TEACHER})
    example = {"class_id": 1}
    layout = Layout(heading=("school", "year", "class"), chart=("mean",))

    def columns(self) -> Sequence[Column]:
        return [
            Column("school", _("School")),
            Column("year", _("School year")),
            Column("class", _("Class")),
            Column("subject", _("Subject")),
            Column("term", _("Term"), "identifier"),
            Column("grades", _("Grades"), "integer"),
            Column("mean", _("Mean"), "decimal"),
            Column("lowest", _("Lowest"), "decimal"),
            Column("highest", _("Highest"), "decimal"),
            Column("standard_deviation", _("Standard deviation"), "decimal"),
            Column("share_passing", _("At or above the pass mark"), "percent"),
            CLASS_ID,
            SCHOOL_ID,
        ]

    def rows(self) -> Iterator[Row]:
        offerings = self._offerings.order_by(
            "school_class__school__sort_key",
            # Ids in the order, because two schools or classes may have the same name.
            "school_class__school_id",
            "school_class__sort_key",
            "school_class_id",
            "subject__order",
            "subject__sort_key",
            "subject_id",
        ).values_list(
            "pk",
            "school_class_id",
            "school_class__school_id",
            "school_class__school__name",
            "school_class__school_year__year",
            "school_class__school_year__period",
            "school_class__name",
            "subject__name",
        )
        for pk, class_id, school_id, name, year, period, *names in offerings.iterator():
            school = self.school_label(school_id, name)
            label = year_label(year, period)
            for term, n, *sums in self._aggregates.iter_rows(pk):
                total, squares, low, high, passing, judged_count = sums
                yield (
                    school,
                    label,
                    *names,
                    term,
                    n,
                    decimals.mean(total, n),
                    decimals.tenths_to_grade(low if n else None),
                    decimals.tenths_to_grade(high if n else None),
                    decimals.standard_deviation(total, squares, n),
                    # Empty if some grades have no rules: a share of the others would mislead.
                    decimals.percent(passing, n) if judged_count == n else None,
                    class_id,
                    school_id,
                )

    def total(self) -> int:
        return self._aggregates.row_count

    def empty_reason(self) -> str:
        reason = no_regular_class_reason(self.enrolments)
        versions = self._rule_versions
        if versions and all(v.rules.assessment != "grades" for v in versions):
            reason = reason or gettext(
                "The rules of these classes have no grades in numbers, so there are no means."
            )
        return reason or super().empty_reason()

    def full_title(self) -> str:
        term = self.parameters.term
        return (
            super().full_title()
            if term is None
            else f"{self.title}: {term_title(term, self._rule_versions)}"
        )

    def rules(self) -> Sequence[str]:
        """Return the rule versions whose pass mark the percentages use."""
        return sorted(map(str, self._rule_versions))

    @property
    def _rule_versions(self) -> set[RuleVersion]:
        versions = (self._calendar.rule_version(*course) for course in self._courses)
        return set(filter(None, versions))

    def skipped_counts(self) -> Mapping[str, int]:
        grade_filter = self._grade_filter
        counts = {
            "subject_without_grades": self._offerings.count()
            - self._aggregates.offering_count,
            "not_regular": in_other_classes(self.enrolments).count(),
        }
        grades = _with_value(self._grades(self._enrolments))
        if grade_filter.in_other_form is not None:
            other = grades.filter(grade_filter.in_other_form)
            counts["grade_in_other_form"] = other.count()
            grades = grades.exclude(grade_filter.in_other_form)
        if grade_filter.term_count is None:
            outside_terms = grades.filter(grade_filter.outside_terms).count()
        else:
            outside_terms = self._aggregates.outside_terms
        counts["grade_outside_terms"] = outside_terms
        counts["grade_after_exit"] = (
            grades.filter(enrolment__in=grade_filter.enrolments_with_exit)
            .filter(grade_filter.after_exit)
            .exclude(grade_filter.outside_terms)
            .count()
        )
        if grade_filter.exempt is not None:
            counts["grade_exempt"] = (
                grades.filter(grade_filter.exempt)
                .exclude(grade_filter.outside_terms)
                .exclude(grade_filter.after_exit)
                .count()
            )
        return counts

    @cached_property
    def _aggregates(self) -> GradeAggregates:
        aggregates, terms = GradeAggregates(width=8), self._grade_filter.term_count
        for offering, term, n, *numbers in stream_values(self.aggregate_query):
            if terms is not None and term > terms:
                aggregates.outside_terms += n
            else:
                aggregates.add(offering, term, n, *numbers)
        return aggregates

    @property
    def aggregate_query(self) -> QuerySet[Grade, tuple[int, ...]]:
        """Integer aggregates by offering and term, in index order and without name joins."""
        grade_filter = self._grade_filter
        grades = self._grades(self._enrolments).exclude(grade_filter.after_exit)
        for condition in (grade_filter.in_other_form, grade_filter.exempt):
            if condition is not None:
                grades = grades.exclude(condition)
        if grade_filter.term_count is None:
            # With one term count for all, `_aggregates` drops the groups outside it instead.
            grades = grades.exclude(grade_filter.outside_terms)
        groups = grades.order_by("offering", "term").values_list("offering", "term")
        raw_integer = RawIntegerField()
        passes = Q(tenths__gte=self._pass_mark)
        is_judged = Q(IsNull(self._pass_mark, False))
        return groups.annotate(
            n=Count("tenths", output_field=raw_integer),
            total=Sum("tenths", output_field=raw_integer),
            squares=Sum(F("tenths") * F("tenths"), output_field=raw_integer),
            low=Min("tenths", output_field=raw_integer),
            high=Max("tenths", output_field=raw_integer),
            passing=Count("tenths", filter=passes, output_field=raw_integer),
            judged=Count("tenths", filter=is_judged, output_field=raw_integer),
        )

    def _grades(self, enrolments: QuerySet[Enrolment]) -> QuerySet[Grade]:
        grades = Grade.objects.filter(enrolment__in=enrolments)
        term = self.parameters.term
        return grades if term is None else grades.filter(term=term)

    @cached_property
    def _grade_filter(self) -> GradeFilter:
        return GradeFilter(self._calendar, self._enrolments, self._courses)

    @cached_property
    def _pass_mark(self) -> Case | Value:
        return pass_mark_in_tenths(self._calendar, self._courses)

    @cached_property
    def _enrolments(self) -> QuerySet[Enrolment]:
        return in_regular_classes(self.enrolments)

    @cached_property
    def _courses(self) -> list[tuple[int, int]]:
        return list_year_levels(self._enrolments)

    @cached_property
    def _calendar(self) -> AcademicCalendar:
        return AcademicCalendar()

    @property
    def _offerings(self) -> QuerySet[Offering]:
        classes = self._enrolments.order_by().values("school_class")
        return Offering.objects.filter(school_class__in=classes)


def _with_value(grades: QuerySet[Grade]) -> QuerySet[Grade]:
    return grades.filter(tenths__isnull=False)

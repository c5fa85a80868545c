"""How each class does in each subject and term."""

from collections.abc import Iterator, Sequence

from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from school import figures
from school.models import Grade, Role
from tasks.parameters import Id, ReportParameters, TermNumber, Year
from tasks.reports.base import Report
from tasks.tables import Column, Row


class Parameters(ReportParameters):
    year: Year | None = Field(default=None, description="Only this school year.")
    school_id: Id | None = Field(default=None, description="Only this school.")
    class_id: Id | None = Field(default=None, description="Only this class.")
    term: TermNumber | None = Field(default=None, description="Only this term.")


class ClassPerformance(Report[Parameters]):
    title = _("Class performance")
    description = _(
        "For each class, subject and term: how many grades there are, their mean, lowest, "
        "highest and standard deviation, and the share at or above the pass mark."
    )
    audience = frozenset({Role.ADMINISTRATOR, Role.STAFF, Role.TEACHER})
    example = {"class_id": 1}

    def columns(self) -> Sequence[Column]:
        return [
            Column("school", "School"),
            Column("class", "Class"),
            Column("subject", "Subject"),
            Column("term", "Term", "integer"),
            Column("grades", "Grades", "integer"),
            Column("mean", "Mean", "decimal"),
            Column("lowest", "Lowest", "decimal"),
            Column("highest", "Highest", "decimal"),
            Column("standard_deviation", "Standard deviation", "decimal"),
            Column("share_passing", "At or above the pass mark", "percent"),
        ]

    def rows(self) -> Iterator[Row]:
        names = ("school__name", "name")
        groups = (
            self._grades()
            .values_list(
                *(f"offering__school_class__{name}" for name in names),
                "offering__subject__name",
                "term",
            )
            .annotate(
                n=Count("tenths"),
                total=Sum("tenths"),
                squares=Sum(F("tenths") * F("tenths")),
                low=Min("tenths"),
                high=Max("tenths"),
                passing=Count("tenths", filter=_PASSES),
            )
            # By the ids too: two schools or classes may share a name.
            .order_by(
                *(f"offering__school_class__{name}" for name in names),
                "offering__school_class_id",
                "offering__subject__order",
                "offering__subject_id",
                "term",
            )
        )
        for *group, n, total, squares, low, high, passing in groups.iterator():
            yield (
                *group,
                n,
                figures.mean(total, n),
                figures.grade(low),
                figures.grade(high),
                figures.standard_deviation(total, squares, n),
                figures.percent(passing, n),
            )

    def total(self) -> int:
        return self._grades().values("offering", "term").distinct().count()

    def _grades(self) -> QuerySet[Grade]:
        grades = Grade.objects.filter(enrolment__in=self.enrolments)
        if self.parameters.term is not None:
            grades = grades.filter(term=self.parameters.term)
        return grades


_PASSES = Q(tenths__gte=F("offering__school_class__school_year__pass_tenths"))

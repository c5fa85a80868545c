"""Enrolments that make up a student's year, as of one of them.

A year as of an enrolment is made of this enrolment and of all that began before it in the same
school year, at any school of the network. The last enrolment of the year, which has the student
now, is made of all of them. Only enrolments in regular classes count; any other stands alone.
"""

from datetime import date

from django.db.models import DateField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Least

from school.models import Enrolment, SchoolClass

SEEN_UNTIL = "seen_until"
"""Name of the annotation with the first day that the viewer does not see."""
_IS_REGULAR = Q(school_class__kind=SchoolClass.Kind.REGULAR)
_NEVER = Value(date.max, DateField())
_SAME_YEAR = {
    "student": OuterRef("student"),
    "school_class__school_year": OuterRef("school_class__school_year"),
}


def in_regular_classes(enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    return enrolments.filter(_IS_REGULAR)


def in_other_classes(enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    return enrolments.exclude(_IS_REGULAR)


def year_has_member() -> Q:
    """Return the condition of enrolments whose years have the outer enrolment as a member."""
    began_before = Q(entry_date__gt=OuterRef("entry_date")) | Q(
        entry_date=OuterRef("entry_date"), pk__gt=OuterRef("pk")
    )
    are_regular = _IS_REGULAR & Q(school_class__kind=OuterRef("school_class__kind"))
    is_last = ~Q(Exists(_later_enrolments(Enrolment.objects.all())))
    is_member = Q(pk=OuterRef("pk")) | are_regular & (began_before | is_last)
    return Q(**_SAME_YEAR) & is_member


def other_members(
    enrolments: QuerySet[Enrolment], reachable: QuerySet[Enrolment]
) -> QuerySet[Enrolment]:
    """Return reachable enrolments that another of `enrolments` shares its year with."""
    others = in_regular_classes(enrolments.order_by()).filter(
        ~Q(pk=OuterRef("pk")), **_SAME_YEAR
    )
    # Filter by student first, so that enrolments of other students are not examined.
    students = enrolments.order_by().values("student")
    return in_regular_classes(reachable).filter(Exists(others), student__in=students)


def continued_enrolments(enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """Return those of the enrolments that are not the last of their student's year."""
    return in_regular_classes(enrolments).filter(
        Exists(_later_enrolments(Enrolment.objects.all()))
    )


def latest_enrolments(enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """Return the last of the enrolments of each student, school year and grade level."""
    same_level = enrolments.order_by().filter(grade_level=OuterRef("grade_level"))
    return enrolments.exclude(Exists(_later_enrolments(same_level)))


def _later_enrolments(enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """Return those of the enrolments that come after the outer one in its student's year.

    The later exit decides, then the later entry: whoever has not left has the student.
    """
    end = _end(OuterRef, enrolments)
    same_end = Q(_end=end)
    return (
        in_regular_classes(enrolments)
        .filter(~Q(pk=OuterRef("pk")), **_SAME_YEAR)
        .alias(_end=_end(F, enrolments))
        .filter(
            Q(_end__gt=end)
            | same_end & Q(entry_date__gt=OuterRef("entry_date"))
            | same_end & Q(entry_date=OuterRef("entry_date"), pk__gt=OuterRef("pk"))
        )
    )


def _end(column: type[F], enrolments: QuerySet[Enrolment]) -> Coalesce | Least:
    """Return the first day after the stay, or that the viewer does not see."""
    end = Coalesce(column("exit_date"), _NEVER)
    if SEEN_UNTIL not in enrolments.query.annotations:
        return end
    return Least(end, Coalesce(column(SEEN_UNTIL), _NEVER))

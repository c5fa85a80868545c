"""Enrolments that make up a student's year, as of one of them.

A year as of an enrolment is made of this enrolment and of all that began before it in the same
school year, at any school of the network. The last enrolment of the year, which has the student
now, is made of all of them. Only enrolments in regular classes count; any other stands alone.
"""

from datetime import date

from django.db.models import (
    Case,
    DateField,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Least
from django.db.models.lookups import Exact, GreaterThan, In

from school.models import Enrolment, SchoolClass

SEEN_UNTIL = "seen_until"
"""Name of the annotation with the first day that the viewer does not see."""
IS_CUT = "is_cut"
"""Name of the annotation with true for an enrolment that goes on unseen."""
_IS_REGULAR = Q(school_class__kind=SchoolClass.Kind.REGULAR)
_NEVER = Value(date.max, DateField())
_UNLIMITED = Value(None, DateField())
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
    begins_within = Q(exit_date=None) | Q(exit_date__gt=OuterRef("entry_date"))
    return Q(**_SAME_YEAR) & begins_within & is_member


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


def with_earlier_members(
    enrolments: QuerySet[Enrolment], reachable: QuerySet[Enrolment]
) -> QuerySet[Enrolment]:
    """Return the enrolments and the reachable others that their years are made of.

    If there are others, `SEEN_UNTIL` has the first day of each that these years do not reach,
    and `IS_CUT` says if it went on from there. Nothing is hidden of the enrolments themselves.
    """
    if reachable is enrolments:
        return enrolments
    enrolments = enrolments.order_by()
    years = enrolments.filter(year_has_member()).order_by(
        F("exit_date").desc(nulls_first=True)
    )
    year_end = Subquery(years.values("exit_date")[:1])
    seen_until = Least(Coalesce("exit_date", _NEVER), Coalesce(year_end, _NEVER))
    members = other_members(enrolments, reachable.order_by())
    # Few students move, and a list of ids spares the databases a search for each record.
    others = list(
        members.exclude(pk__in=enrolments.values("pk"))
        .annotate(**{SEEN_UNTIL: seen_until})
        .values_list("pk", "exit_date", SEEN_UNTIL)
    )
    if not others:
        return enrolments
    ids = [pk for pk, _exit, _until in others]
    cut_ids = [pk for pk, exit, until in others if until < (exit or date.max)]
    return Enrolment.objects.filter(
        Q(pk__in=enrolments.values("pk")) | Q(pk__in=ids)
    ).alias(
        **{
            SEEN_UNTIL: Case(When(pk__in=ids, then=seen_until), default=_UNLIMITED),
            IS_CUT: In(F("pk"), cut_ids) if cut_ids else Value(False),
        }
    )


def with_limits(enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """Return the enrolments with `SEEN_UNTIL` and `IS_CUT`, if need be as if all were seen."""
    if IS_CUT in enrolments.query.annotations:
        return enrolments
    return enrolments.alias(**{SEEN_UNTIL: _UNLIMITED, IS_CUT: Value(False)})


def list_continued(enrolments: QuerySet[Enrolment]) -> list[tuple[int, bool]]:
    """Return the ids of those of the enrolments that are not the last of their student's year.

    Each with the answer if a later one is among the enrolments, too.
    """
    continued = in_regular_classes(enrolments.order_by()).filter(
        Exists(_later_enrolments(Enrolment.objects.all()))
    )
    is_repeated = Exists(_later_enrolments(enrolments.order_by()))
    return list(continued.values_list("pk", is_repeated))


def latest_enrolments(enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """Return the last of the enrolments of each student, school year and grade level."""
    same_level = enrolments.order_by().filter(grade_level=OuterRef("grade_level"))
    return enrolments.exclude(Exists(_later_enrolments(same_level)))


def _later_enrolments(enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """Return those of the enrolments that come after the outer one in its student's year.

    The later exit decides, then the later entry: whoever has not left has the student. Death
    ends every enrolment that began before it, even if nobody ended that one.
    """
    return in_regular_classes(enrolments).filter(
        GreaterThan(_order(F, enrolments), _order(OuterRef, enrolments)), **_SAME_YEAR
    )


class _Row(Func):
    """Row of values, which databases compare value by value."""

    template = "(%(expressions)s)"


def _order(column: type[F], enrolments: QuerySet[Enrolment]) -> _Row:
    """Return what orders the enrolments of a year: the end, the begin and the id."""
    values = _end(column, enrolments), _begin(column), column("pk")
    return _Row(
        *values, output_field=DateField()
    )  # a field, because Django asks for one


def _end(column: type[F], enrolments: QuerySet[Enrolment]) -> Case | Least:
    """Return the first day after the stay, or that the viewer does not see; none after death."""
    end = Case(
        When(_is_death(column), then=_NEVER),
        default=Coalesce(column("exit_date"), _NEVER),
    )
    if SEEN_UNTIL not in enrolments.query.annotations:
        return end
    return Least(end, Coalesce(column(SEEN_UNTIL), _NEVER))


def _begin(column: type[F]) -> Case:
    """Return the day of entry, or of death."""
    is_death = _is_death(column)
    return Case(When(is_death, then=column("exit_date")), default=column("entry_date"))


def _is_death(column: type[F]) -> Exact:
    return Exact(column("ending"), Enrolment.Ending.DECEASED.value)

"""Records of exports, as far as the years of the enrolments reach.

Whoever has a student also has what came before in the same year, as by the paper that a
transfer brings, and nothing of what came after (`school.year_members`).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from school.models import Enrolment, Term
from school.year_members import IS_CUT, SEEN_UNTIL, with_limits
from tasks.rendering.query_source import ExportField

Enrolments = QuerySet[Enrolment]


def by_class(model: Any, path: str) -> Callable[[Enrolments], QuerySet[Any]]:
    """Select the records whose class (at `path`) has at least one of the enrolments."""
    return lambda enrolments: model.objects.filter(
        **{f"{path}__in": enrolments.values("school_class")}
    )


def by_term(relation: str) -> Callable[[Enrolments], QuerySet[Any]]:
    """Select the records of the relation in terms that the years reach.

    A record without a term is of the whole stay.
    """
    term = Term.objects.filter(
        school_year=OuterRef("school_class__school_year"),
        number=OuterRef(f"{relation}__term"),
    )
    return _begun(relation, Coalesce(Subquery(term.values("starts_on")), "entry_date"))


def by_day(relation: str, path: str) -> Callable[[Enrolments], QuerySet[Any]]:
    """Select the records of the relation on days (at `path`) that the years reach."""
    return _begun(relation, F(path))


def of_whole_stay(relation: str) -> Callable[[Enrolments], QuerySet[Any]]:
    """Select the records of the relation whose enrolments the years reach to the end."""
    return lambda enrolments: with_limits(enrolments).filter(
        **{f"{relation}__isnull": False, IS_CUT: False}
    )


def unless_cut(field: ExportField, hidden_value: str | None = None) -> ExportField:
    """Return the field of an enrolment without the value of those that went on unseen."""
    return replace(field, hidden_if=Q(**{IS_CUT: True}), hidden_value=hidden_value)


def _begun(relation: str, begin: F | Coalesce) -> Callable[[Enrolments], QuerySet[Any]]:
    def select(enrolments: Enrolments) -> QuerySet[Any]:
        records = enrolments.filter(**{f"{relation}__isnull": False})
        if SEEN_UNTIL not in records.query.annotations:
            return records  # the usual case, faster
        is_seen = Q(**{SEEN_UNTIL: None}) | Q(begin__lt=F(SEEN_UNTIL))
        return records.alias(begin=begin).filter(is_seen)

    return select

"""Queries of a selection: its enrolments, and the records that its parameters name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from django.db.models import BigIntegerField, Exists, QuerySet, Subquery
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from school import access
from school.access import Reach
from school.models import Enrolment, Role, User
from school.prepared_sql import Parameter, PreparedQuery
from school.records.calendar import year_filter


@dataclass(frozen=True)
class Reference:
    """A parameter that names a record by its id."""

    enrolment_path: str
    """Lookup of the record's id, from an enrolment."""
    visible_records: Callable[[User], QuerySet[Any]]
    not_found_detail: Promise
    """Error text for an id that does not exist or that the viewer may not see."""
    related: Sequence[str] = ("network",)
    """Records that are read with it."""
    is_list: bool = False
    """True if the parameter names several records."""


_CLASS = Reference(
    "school_class_id",
    access.visible_classes,
    _("There is no such class."),
    ("school", "school_year"),
)
_STUDENT = Reference(
    "student_id", access.visible_students, _("There is no such student.")
)
REFERENCES: Mapping[str, Reference] = {
    "school_id": Reference(
        "school_class__school_id",
        access.visible_schools,
        _("There is no such school."),
    ),
    "class_id": _CLASS,
    "class_ids": replace(_CLASS, is_list=True),
    "student_id": _STUDENT,
    "student_ids": replace(_STUDENT, is_list=True),
}
_YEAR_PATH = "school_class__school_year"


@dataclass(frozen=True)
class SelectionQuery:
    """Enrolments that a viewer selects by ids of records and by a year.

    The viewer's id and those of the records may be parameters of a prepared query.
    """

    viewer: User
    ids: Mapping[str, Sequence[Any]]
    """Ids of records by the parameter's name, one of `REFERENCES`."""
    year: int | None
    reach: Reach

    @cached_property
    def enrolments(self) -> QuerySet[Enrolment]:
        enrolments = access.visible_enrolments(self.viewer)
        for name, ids in self.ids.items():
            enrolments = enrolments.filter(
                **_criterion(REFERENCES[name], REFERENCES[name].enrolment_path, ids)
            )
        if self.year is not None:
            enrolments = enrolments.filter(year_filter(self.year, _YEAR_PATH))
        return enrolments

    @cached_property
    def reachable(self) -> QuerySet[Enrolment]:
        reach = self.reach
        if reach is Reach.YEAR and self._selects_whole_years:
            reach = Reach.SELECTED  # the same, but without a search for each enrolment
        return access.expand(self.viewer, self.enrolments, reach)

    @property
    def _selects_whole_years(self) -> bool:
        """True if all enrolments of each selected student's year are selected."""
        is_administrator = self.viewer.role == Role.ADMINISTRATOR
        return is_administrator and self.ids.keys() <= {"student_id", "student_ids"}

    def subqueries(self) -> dict[str, Subquery]:
        """Return the subqueries of the scope and the school: one statement reads them all."""
        are_visible = self.reachable is self.enrolments
        subqueries = access.scope_subqueries(
            self.viewer, self.reachable, are_visible=are_visible
        )
        path = REFERENCES["school_id"].enrolment_path
        first_id = Subquery(self.enrolments.order_by().values(path)[:1])
        subqueries["first_school_id"] = first_id
        if self.ids.keys().isdisjoint(
            {"class_id", "school_id"}
        ):  # they are of one school
            # One row: counting the schools would read a whole network.
            others = self.enrolments.exclude(**{path: first_id})
            subqueries["has_other_school"] = Exists(others)
        return subqueries

    def records(self, name: str, *, with_subqueries: bool) -> list[Any]:
        """Return the visible records that this parameter names, in any order."""
        has_list = any(REFERENCES[name].is_list for name in self.ids)
        if has_list or not self.viewer.is_active:
            # The lookup of a list by a foreign key takes no parameters; whoever is not active
            # sees nothing, which has no SQL.
            return list(self._record_rows(name, with_subqueries))
        shape = _Shape(
            role=self.viewer.role,
            is_superuser=self.viewer.is_superuser,
            names=tuple(self.ids),
            year=self.year,
            reach=self.reach,
        )
        ids = {name: id for name, (id,) in self.ids.items()}
        prepared = _prepare(shape, name, with_subqueries)
        return prepared.read(viewer_id=self.viewer.pk, **ids)

    def _record_rows(self, name: str, with_subqueries: bool) -> QuerySet[Any]:
        reference = REFERENCES[name]
        rows = reference.visible_records(self.viewer).filter(
            **_criterion(reference, "pk", self.ids[name])
        )
        if with_subqueries:
            rows = rows.annotate(**self.subqueries())
        return rows.select_related(*reference.related).order_by()


@dataclass(frozen=True)
class _Shape:
    """Properties of a selection on which the SQL text depends."""

    role: str
    is_superuser: bool
    names: tuple[str, ...]
    """Names of the parameters that name a record."""
    year: int | None
    reach: Reach


@lru_cache(maxsize=256)
def _prepare(shape: _Shape, name: str, with_subqueries: bool) -> PreparedQuery[Any]:
    viewer = access.any_viewer(Role(shape.role), is_superuser=shape.is_superuser)
    ids = {name: [Parameter(name, BigIntegerField())] for name in shape.names}
    query = SelectionQuery(viewer, ids, shape.year, shape.reach)
    return PreparedQuery(query._record_rows(name, with_subqueries))


def _criterion(reference: Reference, path: str, ids: Sequence[Any]) -> dict[str, Any]:
    """Return the criterion of records with these ids.

    A single id as such: the databases plan an equality better than a list of one.
    """
    return {f"{path}__in": ids} if reference.is_list else {path: ids[0]}

"""Defaults of report parameters that depend on the viewer: the open year, and the children."""

from collections.abc import Mapping, Set
from datetime import date
from functools import cache, cached_property
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext

from school import access
from school.models import Role, User
from school.prepared_sql import PreparedQuery
from tasks.errors import FieldError, InvalidRequest
from tasks.reporting.parameters import MAX_RECORDS, ReportParameters
from tasks.reporting.selection import PARAMETERS_POINTER

_STUDENTS = frozenset({"student_id", "student_ids"})


class ViewerDefaults:
    """Values of one viewer for parameters that a request leaves out; each is read once."""

    def __init__(self, viewer: User) -> None:
        self._viewer = viewer

    def values(
        self, model: type[ReportParameters], given: Set[str] = frozenset()
    ) -> dict[str, Any]:
        """Return the defaults for the parameters of the model beside the given ones.

        The year has one only if no other alternative is given, and the children only if no
        student is.
        """
        defaults: dict[str, Any] = {}
        has_year = "year" in model.alternatives
        if has_year and given.isdisjoint(model.alternatives) and self.open_year:
            defaults["year"] = self.open_year
        has_students = "student_ids" in model.model_fields
        if has_students and given.isdisjoint(_STUDENTS) and self.children:
            defaults["student_ids"] = self.children
        return defaults

    def apply(self, model: type[ReportParameters], values: object) -> object:
        """Return the values with the defaults; those that are no object, as they are."""
        if not isinstance(values, Mapping):
            return values
        given = {name for name, value in values.items() if value is not None}
        return {**values, **self.values(model, given)}

    @cached_property
    def open_year(self) -> int | None:
        """The number of the open school year in which the viewer sees classes.

        Of several numbers it is the one that has today; None if that leaves none or several.
        """
        viewer = self._viewer
        if not viewer.is_active:
            return None  # sees nothing
        open_years = _prepare_open_years(Role(viewer.role), viewer.is_superuser)
        rows = open_years.read(viewer_id=viewer.pk)
        numbers = {year for year, _starts_on, _ends_on in rows}
        if len(numbers) > 1:
            today = timezone.localdate()
            numbers = {year for year, first, last in rows if first <= today <= last}
        return numbers.pop() if len(numbers) == 1 else None

    @cached_property
    def children(self) -> list[int]:
        """The students of a guardian; empty for other roles, and if they are too many."""
        if self._viewer.role != Role.GUARDIAN:
            return []
        students = access.visible_students(self._viewer).order_by("pk")
        ids = list(students.values_list("pk", flat=True)[: MAX_RECORDS + 1])
        return ids if len(ids) <= MAX_RECORDS else []


@cache
def _prepare_open_years(
    role: Role, is_superuser: bool
) -> PreparedQuery[tuple[int, date, date]]:
    """Prepare the query of the open school years that a viewer sees."""
    viewer = access.any_viewer(role, is_superuser=is_superuser)
    open_years = access.visible_school_years(viewer).filter(is_closed=False)
    return PreparedQuery(open_years.values_list("year", "starts_on", "ends_on"))


def require_alternative(parameters: ReportParameters) -> None:
    """Raise `InvalidRequest` if none of the alternatives has a value."""
    names = parameters.alternatives
    if names and all(getattr(parameters, name) is None for name in names):
        detail = gettext(parameters.alternatives_detail)
        raise InvalidRequest(FieldError(PARAMETERS_POINTER, "value_error", detail))

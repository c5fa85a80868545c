"""Selection: the enrolments that a viewer may see and that some parameters select.

The one chain of permission: parse the parameters, narrow the viewer's enrolments by them, widen
them by the report's reach. Submission, the worker and the student search use it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic

from django.db.models import Exists, QuerySet, Subquery
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError

from school import access
from school.access import Reach
from school.models import Enrolment, Role, User
from school.records.calendar import year_filter
from school.scope import Scope
from tasks.errors import FieldError, InvalidRequest
from tasks.json_pointer import json_pointer
from tasks.reporting import parameter_messages
from tasks.reporting.parameters import Model, ReportParameters

PARAMETERS_POINTER = "/parameters"
"""JSON Pointer to the parameters in the body of a report request."""


@dataclass(frozen=True)
class _Reference:
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


_CLASS = _Reference(
    "school_class_id",
    access.visible_classes,
    _("There is no such class."),
    ("school", "school_year"),
)
_STUDENT = _Reference(
    "student_id", access.visible_students, _("There is no such student.")
)
_REFERENCES: Mapping[str, _Reference] = {
    "school_id": _Reference(
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
class Selection(Generic[Model]):
    """Parameters of one viewer and the enrolments that they select."""

    viewer: User
    parameters: Model
    enrolments: QuerySet[Enrolment]
    """The selected enrolments, all visible to the viewer."""
    reachable: QuerySet[Enrolment]
    """The enrolments within the report's reach; they include the selected ones."""

    @cached_property
    def scope(self) -> Scope:
        """The role and attachments through which the viewer sees the reachable enrolments."""
        return Scope.from_values(self.viewer.role, self._values)

    @cached_property
    def school_id(self) -> int | None:
        """The school of all selected enrolments; None for several schools or no enrolment."""
        school_id: int | None = self._values["first_school_id"]
        return None if self._values.get("has_other_school") else school_id

    @cached_property
    def _values(self) -> Mapping[str, Any]:
        """The values of the subqueries; `named_records` may have read them already."""
        viewer = User.objects.filter(pk=self.viewer.pk)
        return viewer.values(**self._subqueries()).get()

    def _subqueries(self) -> dict[str, Subquery]:
        """Return the subqueries of the scope and the school: one statement reads them all."""
        are_visible = self.reachable is self.enrolments
        subqueries = access.scope_subqueries(
            self.viewer, self.reachable, are_visible=are_visible
        )
        path = _REFERENCES["school_id"].enrolment_path
        first_id = Subquery(self.enrolments.order_by().values(path)[:1])
        subqueries["first_school_id"] = first_id
        named = {name for name, _reference, _ids in _references(self.parameters)}
        if named.isdisjoint({"class_id", "school_id"}):  # they are of one school
            # One row: counting the schools would read a whole network.
            others = self.enrolments.exclude(**{path: first_id})
            subqueries["has_other_school"] = Exists(others)
        return subqueries

    def named_records(
        self, *, base_pointer: str = PARAMETERS_POINTER, with_scope: bool = False
    ) -> Mapping[str, Any]:
        """Return the records that parameters name by id, by the parameter's name.

        A list parameter has a list of them. Raises `InvalidRequest` for those that do not
        exist or are not visible. Both cases have the same text, so that nobody learns which
        ids exist. With `with_scope` the first statement also reads `scope` and `school_id`.
        """
        records, errors = {}, []
        subqueries = self._subqueries() if with_scope else {}
        for name, reference, ids in _references(self.parameters):
            visible = reference.visible_records(self.viewer).annotate(**subqueries)
            rows = visible.select_related(*reference.related).order_by()
            found = rows.in_bulk(ids)
            if subqueries and found:
                values = vars(next(iter(found.values())))
                vars(self)["_values"] = {key: values[key] for key in subqueries}
                subqueries = {}
            pointer = f"{base_pointer}/{name}"
            errors += [
                FieldError(
                    f"{pointer}/{index}" if reference.is_list else pointer,
                    "not_found",
                    str(reference.not_found_detail),
                )
                for index, id in enumerate(ids)
                if id not in found
            ]
            named = [found[id] for id in ids if id in found]
            records[name] = named if reference.is_list else next(iter(named), None)
        if errors:
            raise InvalidRequest(*errors)
        return records


def select(
    viewer: User,
    model: type[Model],
    values: object,
    *,
    reach: Reach = Reach.SELECTED,
    base_pointer: str = PARAMETERS_POINTER,
) -> Selection[Model]:
    """Parse the values and select the viewer's enrolments, or raise `InvalidRequest`.

    `base_pointer` is the JSON Pointer to the values in the request body.
    """
    parameters = parse_parameters(model, values, base_pointer=base_pointer)
    enrolments = access.visible_enrolments(viewer)
    for _name, reference, ids in _references(parameters):
        # A single id as such: the databases plan an equality better than a list of one.
        criterion = (
            {f"{reference.enrolment_path}__in": ids}
            if reference.is_list
            else {reference.enrolment_path: ids[0]}
        )
        enrolments = enrolments.filter(**criterion)
    if (year := getattr(parameters, "year", None)) is not None:
        enrolments = enrolments.filter(year_filter(year, _YEAR_PATH))
    if _selects_whole_years(viewer, parameters) and reach is Reach.YEAR:
        reach = Reach.SELECTED  # the same, but without a search for each enrolment
    reachable = access.expand(viewer, enrolments, reach)
    return Selection(viewer, parameters, enrolments, reachable)


def parse_parameters(
    model: type[Model], values: object, *, base_pointer: str = PARAMETERS_POINTER
) -> Model:
    """Parse the values, or raise `InvalidRequest` with one error for each invalid field."""
    try:
        # Parsed as JSON: in strict mode pydantic then still reads a date from its text.
        return model.model_validate_json(json.dumps(values))
    except ValidationError as error:
        errors = (_field_error(item, base_pointer) for item in error.errors())
        raise InvalidRequest(*errors) from None


def _selects_whole_years(viewer: User, parameters: ReportParameters) -> bool:
    """Return whether all enrolments of each selected student's year are selected."""
    names = {name for name, _reference, _ids in _references(parameters)}
    return viewer.role == Role.ADMINISTRATOR and names <= {"student_id", "student_ids"}


def _references(
    parameters: ReportParameters,
) -> list[tuple[str, _Reference, Sequence[int]]]:
    """Parameters that name records: the parameter's name, its reference and the ids."""
    return [
        (name, reference, value if reference.is_list else [value])
        for name, reference in _REFERENCES.items()
        if (value := getattr(parameters, name, None)) is not None
    ]


def _field_error(error: Any, base_pointer: str) -> FieldError:
    pointer = base_pointer + json_pointer(*error["loc"])
    is_unknown = error["type"] == "extra_forbidden"
    code = "unknown_field" if is_unknown else error["type"]
    return FieldError(pointer, code, parameter_messages.error_message(error))

"""Selection: the enrolments that a viewer may see and that some parameters select.

The one chain of permission: parse the parameters, narrow the viewer's enrolments by them, widen
them by the report's reach. Submission, the worker and the student search use it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic

from django.db.models import QuerySet
from pydantic import ValidationError

from school.access import Reach
from school.models import Enrolment, User
from school.scope import Scope
from tasks.errors import FieldError, InvalidRequest
from tasks.json_pointer import json_pointer
from tasks.reporting import parameter_messages
from tasks.reporting.parameters import Model
from tasks.reporting.selection_query import REFERENCES, SelectionQuery

PARAMETERS_POINTER = "/parameters"
"""JSON Pointer to the parameters in the body of a report request."""


@dataclass(frozen=True)
class Selection(Generic[Model]):
    """Parameters of one viewer and the enrolments that they select."""

    viewer: User
    parameters: Model
    reach: Reach = Reach.SELECTED

    @cached_property
    def enrolments(self) -> QuerySet[Enrolment]:
        """The selected enrolments, all visible to the viewer."""
        return self._query.enrolments

    @cached_property
    def reachable(self) -> QuerySet[Enrolment]:
        """The enrolments within the report's reach; they include the selected ones."""
        return self._query.reachable

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
    def _query(self) -> SelectionQuery:
        year = getattr(self.parameters, "year", None)
        return SelectionQuery(self.viewer, self._ids, year, self.reach)

    @cached_property
    def _ids(self) -> Mapping[str, Sequence[int]]:
        """The ids of the records that parameters name, by the parameter's name."""
        return {
            name: value if reference.is_list else [value]
            for name, reference in REFERENCES.items()
            if (value := getattr(self.parameters, name, None)) is not None
        }

    @cached_property
    def _values(self) -> Mapping[str, Any]:
        """The values of the subqueries; `named_records` may have read them already."""
        viewer = User.objects.filter(pk=self.viewer.pk)
        return viewer.values(**self._query.subqueries()).get()

    def named_records(
        self, *, base_pointer: str = PARAMETERS_POINTER, with_scope: bool = False
    ) -> Mapping[str, Any]:
        """Return the records that parameters name by id, by the parameter's name.

        A list parameter has a list of them. Raises `InvalidRequest` for those that do not
        exist or are not visible. Both cases have the same text, so that nobody learns which
        ids exist. With `with_scope` the first statement also reads `scope` and `school_id`.
        """
        records, errors = {}, []
        for name, ids in self._ids.items():
            reference = REFERENCES[name]
            reads_values = with_scope and "_values" not in vars(self)
            rows = self._query.records(name, with_subqueries=reads_values)
            found = {row.pk: row for row in rows}
            if reads_values and found:
                vars(self)["_values"] = vars(next(iter(found.values())))
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
    return Selection(viewer, parameters, reach)


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


def _field_error(error: Any, base_pointer: str) -> FieldError:
    pointer = base_pointer + json_pointer(*error["loc"])
    is_unknown = error["type"] == "extra_forbidden"
    code = "unknown_field" if is_unknown else error["type"]
    return FieldError(pointer, code, parameter_messages.error_message(error))

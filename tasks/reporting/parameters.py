"""What can be named in a request for a report, and whose it is."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from django.db import models
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from school import access
from school.models import Enrolment, User
from tasks.errors import FieldError, InvalidRequest
from tasks.reporting import parameter_messages

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Year = Annotated[int, Field(ge=1900, le=2200)]
TermNumber = Annotated[int, Field(ge=1, le=10)]

PARAMETERS_POINTER = "/parameters"
"""Where they stand in a request for a report."""


class ReportParameters(BaseModel):
    """The parameters of a kind; named alike in all kinds, unknown ones refused."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        title=gettext_noop("Parameters"),
        field_title_generator=parameter_messages.parameter_title,
    )


class SelectionParameters(ReportParameters):
    """Of which year, school or class; of all where none is named."""

    year: Year | None = Field(
        default=None, description=gettext_noop("Only this school year.")
    )
    school_id: Id | None = Field(
        default=None, description=gettext_noop("Only this school.")
    )
    class_id: Id | None = Field(
        default=None, description=gettext_noop("Only this class.")
    )


Model = TypeVar("Model", bound=ReportParameters)


@dataclass(frozen=True)
class _Reference:
    """A parameter that names a record."""

    enrolment_path: str
    """Where an enrolment holds it."""
    visible_records: Callable[[User], QuerySet[Any]]
    not_found_detail: Promise
    """What is said where there is none of that id, or none of the viewer's."""


_REFERENCES: Mapping[str, _Reference] = {
    "school_id": _Reference(
        "school_class__school_id",
        access.visible_schools,
        _("There is no such school."),
    ),
    "class_id": _Reference(
        "school_class_id", access.visible_classes, _("There is no such class.")
    ),
    "student_id": _Reference(
        "student_id", access.visible_students, _("There is no such student.")
    ),
}
_FILTERS = {"year": "school_class__school_year__year"}


def parse_parameters(
    model: type[Model], value: object, *, base_pointer: str = PARAMETERS_POINTER
) -> Model:
    """Read the parameters, or refuse them with one flaw for each thing wrong.

    `at` points to them in the body.
    """
    try:
        # As JSON, where strict still reads a date from its text.
        return model.model_validate_json(json.dumps(value))
    except ValidationError as error:
        field_errors = (_field_error(item, base_pointer) for item in error.errors())
        raise InvalidRequest(*field_errors) from None


def check_visible(
    parameters: ReportParameters,
    viewer: User,
    *,
    base_pointer: str = PARAMETERS_POINTER,
) -> None:
    """Refuse records that are not there or not the viewer's, in the same words."""
    field_errors = [
        FieldError(
            f"{base_pointer}/{name}", "not_found", str(reference.not_found_detail)
        )
        for name, reference, value in _find_references(parameters)
        if not _exists(reference.visible_records(viewer), value)
    ]
    if field_errors:
        raise InvalidRequest(*field_errors)


def filter_enrolments(
    enrolments: QuerySet[Enrolment], parameters: ReportParameters
) -> QuerySet[Enrolment]:
    """Those of the enrolments that the parameters speak of."""
    for _name, reference, value in _find_references(parameters):
        enrolments = enrolments.filter(**{reference.enrolment_path: value})
    for name, path in _FILTERS.items():
        if (filter_value := getattr(parameters, name, None)) is not None:
            enrolments = enrolments.filter(**{path: filter_value})
    return enrolments


def find_single_school_id(enrolments: QuerySet[Enrolment]) -> int | None:
    """The one school they are of; None where there are several, or no enrolment at all."""
    path = _REFERENCES["school_id"].enrolment_path
    school_ids = enrolments.order_by().values_list(path, flat=True)
    # Two looks at one row each: counting the schools would read a whole network.
    school_id: int | None = school_ids.first()
    return None if school_ids.exclude(**{path: school_id}).exists() else school_id


def _find_references(parameters: ReportParameters) -> list[tuple[str, _Reference, int]]:
    """The parameters that name a record, and the id each one names."""
    return [
        (name, reference, id)
        for name, reference in _REFERENCES.items()
        if (id := getattr(parameters, name, None)) is not None
    ]


def _exists(records: QuerySet[models.Model], id: int) -> bool:
    return records.filter(pk=id).exists()


def _field_error(error: Any, base_pointer: str) -> FieldError:
    pointer = base_pointer + "".join(
        f"/{_escape_pointer(str(part))}" for part in error["loc"]
    )
    is_unknown = error["type"] == "extra_forbidden"
    code = "unknown_field" if is_unknown else error["type"]
    return FieldError(pointer, code, parameter_messages.error_message(error))


def _escape_pointer(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")

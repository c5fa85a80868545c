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
from tasks.errors import Flaw, RequestRefused
from tasks.reporting import parameter_messages

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Year = Annotated[int, Field(ge=1900, le=2200)]
TermNumber = Annotated[int, Field(ge=1, le=10)]

PLACE = "/parameters"
"""Where they stand in a request for a report."""


class ReportParameters(BaseModel):
    """The parameters of a kind; named alike in all kinds, unknown ones refused."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        title=gettext_noop("Parameters"),
        field_title_generator=parameter_messages.title,
    )


class PlaceParameters(ReportParameters):
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

    enrolments: str
    """Where an enrolment holds it."""
    visible: Callable[[User], QuerySet[Any]]
    missing: Promise
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


def parse(model: type[Model], value: object, *, at: str = PLACE) -> Model:
    """Read the parameters, or refuse them with one flaw for each thing wrong.

    `at` points to them in the body.
    """
    try:
        # As JSON, where strict still reads a date from its text.
        return model.model_validate_json(json.dumps(value))
    except ValidationError as error:
        flaws = (_flaw(detail, at) for detail in error.errors())
        raise RequestRefused(*flaws) from None


def check_visible(
    parameters: ReportParameters, viewer: User, *, at: str = PLACE
) -> None:
    """Refuse records that are not there or not the viewer's, in the same words."""
    flaws = [
        Flaw(f"{at}/{name}", "not_found", str(reference.missing))
        for name, reference, value in _named(parameters)
        if not _exists(reference.visible(viewer), value)
    ]
    if flaws:
        raise RequestRefused(*flaws)


def narrow(
    enrolments: QuerySet[Enrolment], parameters: ReportParameters
) -> QuerySet[Enrolment]:
    """Those of the enrolments that the parameters speak of."""
    for _name, reference, value in _named(parameters):
        enrolments = enrolments.filter(**{reference.enrolments: value})
    for name, path in _FILTERS.items():
        if (wanted := getattr(parameters, name, None)) is not None:
            enrolments = enrolments.filter(**{path: wanted})
    return enrolments


def school_of(enrolments: QuerySet[Enrolment]) -> int | None:
    """The one school they are of; None where there are several, or no enrolment at all."""
    path = _REFERENCES["school_id"].enrolments
    schools = enrolments.order_by().values_list(path, flat=True)
    # Two looks at one row each: counting the schools would read a whole network.
    school: int | None = schools.first()
    return None if schools.exclude(**{path: school}).exists() else school


def _named(parameters: ReportParameters) -> list[tuple[str, _Reference, int]]:
    """The parameters that name a record, and the id each one names."""
    return [
        (name, reference, id)
        for name, reference in _REFERENCES.items()
        if (id := getattr(parameters, name, None)) is not None
    ]


def _exists(visible: QuerySet[models.Model], id: int) -> bool:
    return visible.filter(pk=id).exists()


def _flaw(detail: Any, at: str) -> Flaw:
    pointer = at + "".join(f"/{_escape(str(part))}" for part in detail["loc"])
    is_unknown = detail["type"] == "extra_forbidden"
    code = "unknown_field" if is_unknown else detail["type"]
    return Flaw(pointer, code, parameter_messages.message(detail))


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")

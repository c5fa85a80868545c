"""Base models of report parameters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self, TypeVar

from django.utils.translation import gettext, gettext_noop
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.reporting import parameter_messages

MAX_ID = 2**63 - 1
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Year = Annotated[int, Field(ge=1900, le=2200)]
TermNumber = Annotated[int, Field(ge=1, le=10)]


def _complete_schema(schema: dict[str, Any], model: "type[ReportParameters]") -> None:
    """Add the alternatives, and remove the description, which is the model's docstring."""
    schema.pop("description", None)
    if model.alternatives:
        properties = schema["properties"]
        schema["anyOf"] = [
            _presence_schema(name, properties[name]) for name in model.alternatives
        ]


def _presence_schema(name: str, property_schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of objects that have a value for the parameter; null is none."""
    (value_type,) = {
        part["type"] for part in property_schema["anyOf"] if part["type"] != "null"
    }
    return {
        "title": property_schema["title"],
        "required": [name],
        "properties": {name: {"type": value_type}},
    }


def choices(titles: Mapping[Any, str]) -> Callable[[dict[str, Any]], None]:
    """Return the `json_schema_extra` of a list of values, which gives each a title.

    `titles` are English texts, marked by `gettext_noop`.
    """

    def add_titles(schema: dict[str, Any]) -> None:
        values = schema.pop("enum")
        schema["oneOf"] = [{"const": v, "title": titles[v]} for v in values]

    return add_titles


class ReportParameters(BaseModel):
    """Parameters of one kind of report; unknown fields are refused."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        title=gettext_noop("Parameters"),
        field_title_generator=parameter_messages.parameter_title,
        json_schema_extra=_complete_schema,
    )
    alternatives: ClassVar[Sequence[str]] = ()
    """Optional parameters of which at least one needs a value."""
    alternatives_detail: ClassVar[str] = ""
    """Error text if none has one, marked by `gettext_noop`."""

    @model_validator(mode="after")
    def _require_alternative(self) -> Self:
        values = (getattr(self, name) for name in self.alternatives)
        if self.alternatives and all(value is None for value in values):
            raise ValueError(gettext(self.alternatives_detail))
        return self


class SelectionParameters(ReportParameters):
    """Optional school year, school and class; without any, everything visible is selected."""

    year: Year | None = Field(
        default=None,
        description=gettext_noop(
            "Only school years of this number, or with days in this calendar year."
        ),
    )
    school_id: Id | None = Field(
        default=None, description=gettext_noop("Only this school.")
    )
    class_id: Id | None = Field(
        default=None, description=gettext_noop("Only this class.")
    )


Model = TypeVar("Model", bound=ReportParameters)

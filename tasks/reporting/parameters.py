"""Base models of report parameters."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from django.utils.translation import gettext_noop
from pydantic import BaseModel, ConfigDict, Field

from tasks.reporting import parameter_messages

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Year = Annotated[int, Field(ge=1900, le=2200)]
TermNumber = Annotated[int, Field(ge=1, le=10)]


def _remove_docstring(schema: dict[str, Any]) -> None:
    """Remove the description, which pydantic takes from the docstring of the model."""
    schema.pop("description", None)


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
        json_schema_extra=_remove_docstring,
    )


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

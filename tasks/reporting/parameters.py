"""Base models of report parameters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self, TypeVar

from django.utils.translation import gettext, gettext_noop
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from tasks.reporting import parameter_messages

MAX_ID = 2**63 - 1
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Year = Annotated[int, Field(ge=1900, le=2200)]
MAX_RECORDS = 100
"""Records that a list parameter may name."""
TermNumber = Annotated[int, Field(ge=1, le=10)]


def _complete_schema(schema: dict[str, Any], model: "type[ReportParameters]") -> None:
    """Add the alternatives, and remove the description, which is the model's docstring."""
    schema.pop("description", None)
    properties = schema["properties"]
    if model.alternatives:
        schema["anyOf"] = [
            {"title": properties[name]["title"], **_presence_schema(properties, name)}
            for name in model.alternatives
        ]
    if model.exclusive:
        schema["allOf"] = [
            {"not": _presence_schema(properties, *pair)} for pair in model.exclusive
        ]


def _presence_schema(properties: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the schema of objects that have a value for each parameter; null is none."""
    return {
        "required": list(names),
        "properties": {name: {"type": _value_type(properties[name])} for name in names},
    }


def _value_type(schema: dict[str, Any]) -> str:
    """Return the JSON type of the values of a parameter that are not null."""
    types = {part["type"] for part in schema.get("anyOf", [schema])} - {"null"}
    (value_type,) = types
    return str(value_type)


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
    """Optional parameters of which at least one needs a value, or a default of the viewer."""
    alternatives_detail: ClassVar[str] = ""
    """Error text if none has one and none has a default, marked by `gettext_noop`."""
    exclusive: ClassVar[Sequence[tuple[str, str]]] = ()
    """Pairs of optional parameters of which only one may have a value."""

    @model_validator(mode="after")
    def _refuse_both(self) -> Self:
        for pair in self.exclusive:
            if all(getattr(self, name) is not None for name in pair):
                one, several = (
                    gettext(parameter_messages.parameter_title(name, None))
                    for name in pair
                )
                detail = gettext("Give either “{one}” or “{several}”.")
                raise ValueError(detail.format(one=one, several=several))
        return self


def _refuse_repeated(ids: list[int]) -> list[int]:
    if len(set(ids)) < len(ids):
        raise PydanticCustomError("repeated_item", gettext("Give each one only once."))
    return ids


Ids = Annotated[
    list[Id],
    Field(
        min_length=1, max_length=MAX_RECORDS, json_schema_extra={"uniqueItems": True}
    ),
    AfterValidator(_refuse_repeated),
]


class SelectionParameters(ReportParameters):
    """School year, school and classes; without a class and a year, the open year."""

    alternatives: ClassVar[Sequence[str]] = ("class_id", "class_ids", "year")
    alternatives_detail = gettext_noop("Give a class or a school year.")
    exclusive: ClassVar[Sequence[tuple[str, str]]] = (("class_id", "class_ids"),)

    year: Year | None = Field(
        default=None,
        description=gettext_noop(
            "Only school years of this number, or with days in this calendar year. Without a "
            "year and a class, the open school year."
        ),
    )
    school_id: Id | None = Field(
        default=None, description=gettext_noop("Only this school.")
    )
    class_id: Id | None = Field(
        default=None, description=gettext_noop("Only this class.")
    )
    class_ids: Ids | None = Field(
        default=None, description=gettext_noop("Only these classes.")
    )

    @property
    def names_classes(self) -> bool:
        """True if the request names one class or several."""
        return self.class_id is not None or self.class_ids is not None


Model = TypeVar("Model", bound=ReportParameters)

"""Scale of concepts: bands of grades without gaps and overlaps."""

from decimal import Decimal
from typing import Annotated, Any, Self

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from school.grading.number_format import format_number

MAX_GRADE = Decimal("10.0")
"""Highest grade; the lowest is 0.0."""
GRADE_STEP = Decimal("0.1")
"""Difference between two neighbouring grades."""

Grade = Annotated[Decimal, Field(ge=0, le=MAX_GRADE, max_digits=3, decimal_places=1)]


class Band(BaseModel):
    """One concept of a scale; `lowest` and `highest` are inclusive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Annotated[str, Field(min_length=1, max_length=20)]
    lowest: Grade
    highest: Grade

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.lowest > self.highest:
            raise rule_error(
                _("Band {label}: its lowest grade is above its highest one."),
                label=self.label,
            )
        return self


def check_scale(scale: tuple[Band, ...]) -> None:
    """Raise an error unless the bands cover all grades, sorted and without overlaps."""
    _check_ends(scale)
    for lower, upper in zip(scale, scale[1:], strict=False):
        _check_neighbours(lower, upper)
    if len({band.label for band in scale}) < len(scale):
        raise rule_error(_("Each label of the scale must be unique."))


def _check_ends(scale: tuple[Band, ...]) -> None:
    if scale[0].lowest != 0 or scale[-1].highest != MAX_GRADE:
        raise rule_error(
            _("The scale must go from {lowest} up to {highest}."),
            lowest=format_number(0),
            highest=format_number(MAX_GRADE),
        )


def _check_neighbours(lower: Band, upper: Band) -> None:
    if upper.lowest <= lower.lowest:
        raise rule_error(
            _("The bands must be sorted from the lowest: {lower} is before {upper}."),
            lower=lower.label,
            upper=upper.label,
        )
    if upper.lowest <= lower.highest:
        raise rule_error(
            _("The bands {lower} and {upper} overlap: {grade} is in both."),
            lower=lower.label,
            upper=upper.label,
            grade=format_number(upper.lowest),
        )
    if upper.lowest != lower.highest + GRADE_STEP:
        raise rule_error(
            _("There is a gap between {lower} and {upper}: {grade} is in no band."),
            lower=lower.label,
            upper=upper.label,
            grade=format_number(lower.highest + GRADE_STEP),
        )


def rule_error(message: str, **values: Any) -> PydanticCustomError:
    """Return an error with this exact message (pydantic prefixes that of a ValueError)."""
    # Formatted here: pydantic would also replace placeholders inside inserted labels.
    return PydanticCustomError("rules", message.format(**values))

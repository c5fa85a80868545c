"""A rule profile: a closed set of named, parametrised rules, validated as a whole."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from school.grading.arithmetic import GradeArithmetic
from school.grading.number_format import format_number

MAX_GRADE = Decimal("10.0")
"""Grades go from 0.0 to here."""
GRADE_STEP = Decimal("0.1")
"""From one grade to the next."""

Grade = Annotated[Decimal, Field(ge=0, le=MAX_GRADE, max_digits=3, decimal_places=1)]
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=5, decimal_places=2)]
# A whole number as JSON has it: neither "4", 4.0 nor true.
Weight = Annotated[int, Field(strict=True, ge=1, le=100)]


class Band(BaseModel):
    """One concept of a scale: from its lowest grade to its highest, both within."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Annotated[str, Field(min_length=1, max_length=20)]
    lowest: Grade
    highest: Grade

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.lowest > self.highest:
            raise _rule_error(
                _("Band {label}: its lowest grade is above its highest one."),
                label=self.label,
            )
        return self


class Rules(BaseModel):
    """How a network judges a year of one grade level."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    terms: Annotated[int, Field(strict=True, ge=1, le=10)]
    """How many terms a year has, each with a grade in each subject."""
    term_kind: Literal["bimester", "trimester", "semester", "term"] = "bimester"

    mean_rule: Literal["arithmetic", "weighted"] = "arithmetic"
    """How the terms' grades become the year's mean; weighted takes `term_weights`."""
    term_weights: Annotated[tuple[Weight, ...], Field(validate_default=True)] = ()
    pass_mark: Grade
    """The year's mean passes from here on."""

    rounding: Literal["none", "half_up", "up", "down"] = "none"
    """What is done to each mean before it is compared."""
    rounding_step: Annotated[Decimal, Field(ge=Decimal("0.001"), le=1)] = GRADE_STEP
    """To whole multiples of this."""

    recovery_rule: Literal["none", "weighted", "replace_if_higher"] = "none"
    """How a final recovery exam combines with the mean of who has not passed.

    weighted: (mean x mean_weight + exam x exam_weight) / (mean_weight + exam_weight);
    replace_if_higher: the higher of both.
    """
    recovery_mean_weight: Weight = 1
    recovery_exam_weight: Weight = 1
    recovery_pass_mark: Grade | None = None
    """From where on the combined mean passes; none is as `pass_mark`."""
    fail_if_unrecoverable: Annotated[bool, Field(strict=True)] = False
    """Whether who would need more than the highest grade fails without the exam."""

    minimum_attendance: Percent = Decimal(75)
    """In percent of the base."""
    attendance_base: Literal["given", "planned"] = "given"
    """Of the days on which the roll was taken, or of the `year_days` that are planned."""
    year_days: Annotated[int, Field(strict=True, ge=1, le=366)] = 200
    """The days of lessons that the year is to have."""
    council_absences: Percent = Decimal("7.5")
    """Who misses more than this percent of the planned days is told to the Conselho Tutelar."""

    dependencies: Annotated[int, Field(strict=True, ge=0, le=20)] = 0
    """In how many failed subjects a student may go on to the next level."""

    scale: tuple[Band, ...] = ()
    """The concepts that grades are shown as, from the lowest; none where numbers are shown."""

    @field_validator("term_weights")
    @classmethod
    def _check_term_weights(
        cls, weights: tuple[int, ...], info: ValidationInfo
    ) -> tuple[int, ...]:
        # What is itself wrong is not among the others, and said at its own place.
        terms, mean_rule = info.data.get("terms"), info.data.get("mean_rule")
        if mean_rule == "arithmetic" and weights:
            raise _rule_error(_("Only a weighted mean takes term weights."))
        if mean_rule == "weighted" and terms and len(weights) != terms:
            raise _rule_error(
                _("There must be a weight for each of the {terms} terms, not {given}."),
                terms=terms,
                given=len(weights),
            )
        return weights

    @field_validator("rounding_step")
    @classmethod
    def _check_rounding_step(cls, step: Decimal) -> Decimal:
        # Else the highest grade would be no multiple, and might be rounded to above it.
        if (1 / Fraction(step)).denominator != 1:
            raise _rule_error(_("One must be a whole multiple of the rounding step."))
        return step

    @field_validator("recovery_pass_mark")
    @classmethod
    def _check_recovery_pass_mark(
        cls, mark: Decimal | None, info: ValidationInfo
    ) -> Decimal | None:
        if mark is not None and info.data.get("recovery_rule") == "none":
            raise _rule_error(_("Without a recovery there is no pass mark of one."))
        return mark

    @field_validator("scale")
    @classmethod
    def _check_scale(cls, scale: tuple[Band, ...]) -> tuple[Band, ...]:
        if scale:
            _check_ends(scale)
            for lower, upper in zip(scale, scale[1:], strict=False):
                _check_neighbours(lower, upper)
            if len({band.label for band in scale}) < len(scale):
                raise _rule_error(_("Each label of the scale must be there once."))
        return scale

    @cached_property
    def grade_arithmetic(self) -> GradeArithmetic:
        """What subjects are judged by, in exact numbers."""
        return GradeArithmetic(
            weights=self.term_weights or (1,) * self.terms,
            pass_mark=Fraction(self.pass_mark),
            recovery_pass_mark=Fraction(
                self.pass_mark
                if self.recovery_pass_mark is None
                else self.recovery_pass_mark
            ),
            rounding=self.rounding,
            rounding_step=Fraction(self.rounding_step),
            recovery_rule=self.recovery_rule,
            mean_weight=self.recovery_mean_weight,
            exam_weight=self.recovery_exam_weight,
            fail_if_unrecoverable=self.fail_if_unrecoverable,
        )

    def concept(self, value: Fraction | Decimal) -> str | None:
        """The label of the band that a grade or mean lies in; none without a scale.

        A mean between two bands (6.95) is in the lower one: it has not reached the upper.
        """
        for band in reversed(self.scale):
            if band.lowest <= value:
                return band.label
        return None

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> Self:
        """Other rules, validated like any; pydantic's own would keep our `measure`."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return self.model_validate({**fields, **(update or {})})

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Read what `to_json` gave; `pydantic.ValidationError` says what is wrong."""
        return cls.model_validate(content)

    def to_json(self) -> dict[str, Any]:
        """Decimals as strings, so that no float comes in between."""
        return self.model_dump(mode="json")


def _check_ends(scale: tuple[Band, ...]) -> None:
    if scale[0].lowest != 0 or scale[-1].highest != MAX_GRADE:
        raise _rule_error(
            _("The scale must go from {lowest} up to {highest}."),
            lowest=format_number(0),
            highest=format_number(MAX_GRADE),
        )


def _check_neighbours(lower: Band, upper: Band) -> None:
    if upper.lowest <= lower.lowest:
        raise _rule_error(
            _("The bands must be sorted from the lowest: {lower} is before {upper}."),
            lower=lower.label,
            upper=upper.label,
        )
    if upper.lowest <= lower.highest:
        raise _rule_error(
            _("The bands {lower} and {upper} overlap: {grade} is in both."),
            lower=lower.label,
            upper=upper.label,
            grade=format_number(upper.lowest),
        )
    if upper.lowest != lower.highest + GRADE_STEP:
        raise _rule_error(
            _("There is a hole between {lower} and {upper}: {grade} is in no band."),
            lower=lower.label,
            upper=upper.label,
            grade=format_number(lower.highest + GRADE_STEP),
        )


def _rule_error(message: str, **values: Any) -> PydanticCustomError:
    """Unlike a ValueError's, its message stands in the answer as it is."""
    # Filled here: pydantic would fill in what is filled in, labels with braces too.
    return PydanticCustomError("rules", message.format(**values))

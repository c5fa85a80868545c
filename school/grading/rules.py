"""Rule profile: a closed set of named, parametrised rules, validated as a whole."""

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
"""Highest grade; the lowest is 0.0."""
GRADE_STEP = Decimal("0.1")
"""Difference between two neighbouring grades."""

Grade = Annotated[Decimal, Field(ge=0, le=MAX_GRADE, max_digits=3, decimal_places=1)]
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=5, decimal_places=2)]
# Strict JSON integer: "4", 4.0 and true are refused.
Weight = Annotated[int, Field(strict=True, ge=1, le=100)]


class Band(BaseModel):
    """One concept of a scale; `lowest` and `highest` are inclusive."""

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
    """Rules that decide a year of one grade level in one network."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    terms: Annotated[int, Field(strict=True, ge=1, le=10)]
    """Number of terms in a year; each has one grade per subject."""
    term_kind: Literal["bimester", "trimester", "semester", "term"] = "bimester"

    mean_rule: Literal["arithmetic", "weighted"] = "arithmetic"
    """Rule for the year's mean of the term grades; `weighted` uses `term_weights`."""
    term_weights: Annotated[tuple[Weight, ...], Field(validate_default=True)] = ()
    pass_mark: Grade
    """Lowest mean of the year that passes."""

    rounding: Literal["none", "half_up", "up", "down"] = "none"
    """Rounding applied to each mean before it is compared."""
    rounding_step: Annotated[Decimal, Field(ge=Decimal("0.001"), le=1)] = GRADE_STEP
    """Unit of rounding: means are rounded to multiples of it."""

    recovery_rule: Literal["none", "weighted", "replace_if_higher"] = "none"
    """Rule that combines the final recovery exam with a mean that has not passed.

    weighted: (mean x mean_weight + exam x exam_weight) / (mean_weight + exam_weight);
    replace_if_higher: the higher of the two.
    """
    recovery_mean_weight: Weight = 1
    recovery_exam_weight: Weight = 1
    recovery_pass_mark: Grade | None = None
    """Lowest combined mean that passes; None means `pass_mark`."""
    fail_if_unrecoverable: Annotated[bool, Field(strict=True)] = False
    """True if a student who would need more than `MAX_GRADE` fails without the exam."""

    minimum_attendance: Percent = Decimal(75)
    """Minimum attendance in percent of `attendance_base`."""
    attendance_base: Literal["given", "planned"] = "given"
    """Base of the percentage: lesson days recorded so far (`given`) or planned for the year."""
    year_days: Annotated[int, Field(strict=True, ge=1, le=366)] = 200
    """Number of lesson days planned for the year."""
    council_absences: Percent = Decimal("7.5")
    """Percentage of planned days; more absences must be reported to the Conselho Tutelar."""

    dependencies: Annotated[int, Field(strict=True, ge=0, le=20)] = 0
    """Number of failed subjects with which a student may still be promoted (dependency)."""

    scale: tuple[Band, ...] = ()
    """Concepts that replace displayed grades, from the lowest; empty to display numbers."""

    @field_validator("term_weights")
    @classmethod
    def _check_term_weights(
        cls, weights: tuple[int, ...], info: ValidationInfo
    ) -> tuple[int, ...]:
        # `info.data` lacks fields that failed validation; those errors are reported there.
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
        # Otherwise MAX_GRADE would not be a multiple of the step and could be rounded up past it.
        if (1 / Fraction(step)).denominator != 1:
            raise _rule_error(_("The rounding step must divide 1 without a remainder."))
        return step

    @field_validator("recovery_pass_mark")
    @classmethod
    def _check_recovery_pass_mark(
        cls, mark: Decimal | None, info: ValidationInfo
    ) -> Decimal | None:
        if mark is not None and info.data.get("recovery_rule") == "none":
            raise _rule_error(_("A recovery pass mark requires a recovery rule."))
        return mark

    @field_validator("scale")
    @classmethod
    def _check_scale(cls, scale: tuple[Band, ...]) -> tuple[Band, ...]:
        if scale:
            _check_ends(scale)
            for lower, upper in zip(scale, scale[1:], strict=False):
                _check_neighbours(lower, upper)
            if len({band.label for band in scale}) < len(scale):
                raise _rule_error(_("Each label of the scale must be unique."))
        return scale

    @cached_property
    def grade_arithmetic(self) -> GradeArithmetic:
        """Exact numbers that decide a subject."""
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
        """Return the label of the band that contains a grade or mean; None without a scale.

        A mean between two bands (6.95) belongs to the lower one, because it has not
        reached the upper one.
        """
        for band in reversed(self.scale):
            if band.lowest <= value:
                return band.label
        return None

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> Self:
        """Return validated rules; pydantic's own copy would keep the cached `grade_arithmetic`."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return self.model_validate({**fields, **(update or {})})

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Parse the result of `to_json`; raise `pydantic.ValidationError` if it is invalid."""
        return cls.model_validate(content)

    def to_json(self) -> dict[str, Any]:
        """Return JSON data with decimals as strings, so that no float is involved."""
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
            _("There is a gap between {lower} and {upper}: {grade} is in no band."),
            lower=lower.label,
            upper=upper.label,
            grade=format_number(lower.highest + GRADE_STEP),
        )


def _rule_error(message: str, **values: Any) -> PydanticCustomError:
    """Return an error with this exact message (pydantic prefixes that of a ValueError)."""
    # Formatted here: pydantic would also replace placeholders inside inserted labels.
    return PydanticCustomError("rules", message.format(**values))

"""Rule profile: a closed set of named, parametrised rules, validated as a whole."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from school.grading.arithmetic import GradeArithmetic
from school.grading.scale import GRADE_STEP, Band, Grade, check_scale, rule_error

Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=5, decimal_places=2)]
# Strict JSON integer: "4", 4.0 and true are refused.
Weight = Annotated[int, Field(strict=True, ge=1, le=100)]


class Rules(BaseModel):
    """Rules that decide a year of one grade level in one network."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    terms: Annotated[int, Field(strict=True, ge=1, le=10)]
    """Number of terms in a year; each has one grade per subject."""
    term_kind: Literal["bimester", "trimester", "semester", "term"] = "bimester"

    assessment: Literal["grades", "concepts", "none"] = "grades"
    """Records of a term: grades in numbers, concepts of `scale` given by teachers, or none."""
    retention: Literal["grades_and_attendance", "attendance", "none"] = (
        "grades_and_attendance"
    )
    """What retains a student: `attendance` is continuous progression, `none` retains nobody."""

    mean_rule: Literal["arithmetic", "weighted"] = "arithmetic"
    """Rule for the year's mean of the term grades; `weighted` uses `term_weights`."""
    term_weights: Annotated[tuple[Weight, ...], Field(validate_default=True)] = ()
    term_recovery: Literal["none", "replace_if_higher", "mean"] = "none"
    """Rule that combines the grade of a term with that of the term's own recovery."""
    pass_mark: Grade = Field(default=None, validate_default=True)
    """Lowest mean of the year that passes; needed only for grades in numbers."""

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
    pass_concept: Annotated[str | None, Field(validate_default=True)] = None
    """Label of the lowest given concept that passes."""

    @field_validator("mean_rule")
    @classmethod
    def _check_mean_rule(cls, mean_rule: str, info: ValidationInfo) -> str:
        if mean_rule == "weighted" and info.data.get("assessment") != "grades":
            raise rule_error(_("Only grades in numbers have a weighted mean."))
        return mean_rule

    @field_validator("term_recovery")
    @classmethod
    def _check_term_recovery(cls, rule: str, info: ValidationInfo) -> str:
        if rule != "none" and info.data.get("assessment") != "grades":
            raise rule_error(_("Only grades in numbers have a recovery of the term."))
        return rule

    @field_validator("pass_mark", mode="before")
    @classmethod
    def _fill_pass_mark(cls, mark: Any, info: ValidationInfo) -> Any:
        if mark is not None:
            return mark
        if info.data.get("assessment") == "grades":
            raise rule_error(_("This field is required for grades in numbers."))
        return Decimal("0.0")

    @field_validator("recovery_rule")
    @classmethod
    def _check_recovery_rule(cls, rule: str, info: ValidationInfo) -> str:
        assessment = info.data.get("assessment")
        if assessment == "none" and rule != "none":
            raise rule_error(_("Without grades there is no recovery."))
        if assessment == "concepts" and rule == "weighted":
            raise rule_error(_("Given concepts have no weighted mean."))
        return rule

    @field_validator("term_weights")
    @classmethod
    def _check_term_weights(
        cls, weights: tuple[int, ...], info: ValidationInfo
    ) -> tuple[int, ...]:
        # `info.data` lacks fields that failed validation; those errors are reported there.
        terms, mean_rule = info.data.get("terms"), info.data.get("mean_rule")
        if mean_rule == "arithmetic" and weights:
            raise rule_error(_("Only a weighted mean takes term weights."))
        if mean_rule == "weighted" and terms and len(weights) != terms:
            raise rule_error(
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
            raise rule_error(_("The rounding step must divide 1 without a remainder."))
        return step

    @field_validator("recovery_pass_mark")
    @classmethod
    def _check_recovery_pass_mark(
        cls, mark: Decimal | None, info: ValidationInfo
    ) -> Decimal | None:
        if mark is not None and info.data.get("recovery_rule") == "none":
            raise rule_error(_("A recovery pass mark requires a recovery rule."))
        if mark is not None and info.data.get("assessment") == "concepts":
            raise rule_error(_("Given concepts have no pass mark."))
        return mark

    @field_validator("dependencies")
    @classmethod
    def _check_dependencies(cls, count: int, info: ValidationInfo) -> int:
        if count and info.data.get("retention") != "grades_and_attendance":
            raise rule_error(_("Where grades retain nobody there is no dependency."))
        return count

    @field_validator("scale")
    @classmethod
    def _check_scale(cls, scale: tuple[Band, ...]) -> tuple[Band, ...]:
        if scale:
            check_scale(scale)
        return scale

    @field_validator("pass_concept")
    @classmethod
    def _check_pass_concept(
        cls, concept: str | None, info: ValidationInfo
    ) -> str | None:
        if info.data.get("assessment") != "concepts":
            if concept is not None:
                raise rule_error(_("Only given concepts have a concept that passes."))
        elif "scale" in info.data and concept not in {
            band.label for band in info.data["scale"]
        }:
            raise rule_error(_("The concept that passes must be one of the scale."))
        return concept

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

    @property
    def has_concepts(self) -> bool:
        """True if papers show concepts in place of grades in numbers."""
        return bool(self.scale)

    @cached_property
    def concept_ranks(self) -> dict[str, int]:
        """Rank of each concept of the scale by its label, from 0 for the lowest."""
        return {band.label: rank for rank, band in enumerate(self.scale)}

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

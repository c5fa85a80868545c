"""A rule profile: a closed set of named, parametrised rules, validated as a whole."""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, model_validator

HIGHEST = Decimal("10.0")
"""Grades go from 0.0 to here."""

Grade = Annotated[Decimal, Field(ge=0, le=HIGHEST, multiple_of=Decimal("0.1"))]
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=5, decimal_places=2)]
Weight = Annotated[int, Field(ge=1, le=100)]


class Band(BaseModel):
    """One concept of a scale: from its lowest grade to its highest, both within."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Annotated[str, Field(min_length=1, max_length=20)]
    lowest: Grade
    highest: Grade


class Rules(BaseModel):
    """How a network judges a year of one grade level."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    terms: Annotated[int, Field(ge=1, le=10)]
    """How many terms a year has, each with a grade in each subject."""
    term_kind: Literal["bimester", "trimester", "semester", "term"] = "bimester"

    mean_rule: Literal["arithmetic", "weighted"] = "arithmetic"
    """How the terms' grades become the year's mean; weighted takes `term_weights`."""
    term_weights: tuple[Weight, ...] = ()
    pass_mark: Grade
    """The year's mean passes from here on."""

    rounding: Literal["none", "half_up", "up", "down"] = "none"
    """What is done to each mean before it is compared."""
    rounding_step: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.1")
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
    hopeless_fails: bool = False
    """Whether who would need more than the highest grade fails without the exam."""

    minimum_attendance: Percent = Decimal(75)
    """In percent of the base."""
    attendance_base: Literal["given", "planned"] = "given"
    """Of the days on which the roll was taken, or of the `year_days` that are planned."""
    year_days: Annotated[int, Field(ge=1, le=366)] = 200
    """The days of lessons that the year is to have."""
    council_absences: Percent = Decimal("7.5")
    """Who misses more than this percent of the planned days is told to the Conselho Tutelar."""

    dependencies: Annotated[int, Field(ge=0, le=20)] = 0
    """In how many failed subjects a student may go on to the next level."""

    scale: tuple[Band, ...] = ()
    """The concepts that grades are shown as; none where they are shown as numbers."""

    @model_validator(mode="after")
    def _weights_fit_the_terms(self) -> Self:
        wanted = self.terms if self.mean_rule == "weighted" else 0
        if len(self.term_weights) != wanted:
            raise ValueError(
                _("There must be {wanted} term weights, not {given}.").format(
                    wanted=wanted, given=len(self.term_weights)
                )
            )
        return self

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Read what `to_json` gave; `pydantic.ValidationError` says what is wrong."""
        return cls.model_validate(content)

    def to_json(self) -> dict[str, Any]:
        """Decimals as strings, so that no float comes in between."""
        return self.model_dump(mode="json")

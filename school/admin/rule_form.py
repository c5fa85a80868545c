"""The form in which a rule profile is written: one field for each rule."""

import types
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, Union, get_args, get_origin

import pydantic
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from pydantic.fields import FieldInfo

from school.grading.rules import Rules
from school.models import RuleProfile

HELP = {
    "terms": "How many terms a year has; each has a grade in each subject.",
    "mean_rule": "How the terms' grades become the year's mean.",
    "term_weights": "For the weighted mean, one for each term: 1, 1, 2, 2",
    "pass_mark": "The year's mean passes from here on.",
    "rounding": "What is done to a mean before it is compared.",
    "rounding_step": "To whole multiples of this.",
    "recovery_rule": "How the final recovery exam combines with the mean.",
    "recovery_pass_mark": "Where it is not the pass mark of the year.",
    "hopeless_fails": "Who would need more than 10.0 fails without the exam.",
    "minimum_attendance": "In percent.",
    "attendance_base": "Percent of the days given so far, or of those planned.",
    "year_days": "The days of lessons that the year is to have.",
    "council_absences": "More than this percent is told to the Conselho Tutelar.",
    "dependencies": "In how many failed subjects a student may go on.",
    "scale": "A line for each concept, with its lowest and its highest grade: A 9.0 10.0",
}


def _field(name: str, info: FieldInfo) -> forms.Field:
    """What may be left empty is none, or nothing; all else is said."""
    told = HELP.get(name, "")
    if name == "scale":
        lines = forms.Textarea(attrs={"rows": 6})
        return forms.CharField(widget=lines, required=False, help_text=told)
    if name == "term_weights":
        return forms.CharField(required=False, help_text=told)
    kind, needed = info.annotation, info.default is not None
    if get_origin(kind) in (Union, types.UnionType):
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        values = [(value, value.replace("_", " ")) for value in get_args(kind)]
        return forms.ChoiceField(choices=values, help_text=told)
    if kind is bool:
        return forms.BooleanField(required=False, help_text=told)
    number = forms.IntegerField if kind is int else forms.DecimalField
    return number(required=needed, help_text=told)


class _RuleProfileForm(forms.ModelForm):
    class Meta:
        model = RuleProfile
        fields = ["network", "code", "name", "source"]

    rules: Rules
    """What was written, once the form is valid."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        newest = self.instance.newest() if self.instance.pk else None
        for name, value in _written(newest.rules if newest else None).items():
            self.initial.setdefault(name, value)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if any(name in self.errors for name in Rules.model_fields):
            return cleaned
        try:
            self.rules = Rules.model_validate(_read(cleaned))
            if self.instance.pk:
                with transaction.atomic():
                    self.instance.open_years_for(self.rules)
        except pydantic.ValidationError as error:
            for flaw in error.errors():
                self.add_error(*_told(flaw))
        return cleaned


RuleProfileForm = type(
    "RuleProfileForm",
    (_RuleProfileForm,),
    {name: _field(name, info) for name, info in Rules.model_fields.items()},
)


def _written(rules: Rules | None) -> dict[str, Any]:
    """The rules as they stand in the fields; what is usual where there are none."""
    if rules is None:
        usual = Rules.model_fields.items()
        values = {name: i.default for name, i in usual if not i.is_required()}
    else:
        values = {name: getattr(rules, name) for name in Rules.model_fields}
    weights, bands = values["term_weights"], values["scale"]
    return {
        **values,
        "term_weights": ", ".join(map(str, weights)),
        "scale": "\n".join(f"{b.label} {b.lowest} {b.highest}" for b in bands),
    }


def _read(cleaned: dict[str, Any]) -> dict[str, Any]:
    """The fields as rules."""
    given = {
        name: str(value) if isinstance(value, Decimal) else value
        for name, value in cleaned.items()
        if name in Rules.model_fields and value not in (None, "")
    }
    return {
        **given,
        "term_weights": _weights(cleaned["term_weights"]),
        "scale": _bands(cleaned["scale"]),
    }


def _weights(text: str) -> list[int]:
    try:
        return [int(weight) for weight in text.split(",")] if text else []
    except ValueError:
        told = "Write whole numbers with a comma between: 1, 1, 2, 2"
        raise ValidationError({"term_weights": told})


def _bands(text: str) -> list[dict[str, str]]:
    lines = [line.rsplit(maxsplit=2) for line in text.splitlines() if line.strip()]
    for line in lines:
        if len(line) != 3:
            told = f"Write a concept and its two grades, not “{' '.join(line)}”."
            raise ValidationError({"scale": told})
    # Brazilians write a comma, and the best concept first; the rules are read one way.
    read = [
        {
            "label": label,
            "lowest": low.replace(",", "."),
            "highest": high.replace(",", "."),
        }
        for label, low, high in lines
    ]
    return sorted(read, key=_lowest)


def _lowest(band: dict[str, str]) -> Decimal:
    try:
        grade = Decimal(band["lowest"])
    except InvalidOperation:
        grade = Decimal("NaN")
    if grade.is_nan():  # which cannot be sorted, and may be what was written
        told = f"“{band['lowest']}” is no grade."
        raise ValidationError({"scale": told})
    return grade


def _told(flaw: Any) -> tuple[str | None, str]:
    """At which field, and in which words; at the form where it is of several."""
    cause = flaw.get("ctx", {}).get("error")
    told = str(cause) if isinstance(cause, ValueError) else flaw["msg"]
    if not flaw["loc"]:
        return None, told
    name, *inside = flaw["loc"]
    # Items are counted from 1, as lines are.
    where = " ".join(str(i + 1 if isinstance(i, int) else i) for i in inside)
    return name, f"{where}: {told}" if where else told

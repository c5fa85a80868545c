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

HELP_TEXTS = {
    "terms": "How many terms a year has; each has a grade in each subject.",
    "mean_rule": "How the terms' grades become the year's mean.",
    "term_weights": "For the weighted mean, one for each term: 1, 1, 2, 2",
    "pass_mark": "The year's mean passes from here on.",
    "rounding": "What is done to a mean before it is compared.",
    "rounding_step": "To whole multiples of this.",
    "recovery_rule": "How the final recovery exam combines with the mean.",
    "recovery_pass_mark": "Where it is not the pass mark of the year.",
    "fail_if_unrecoverable": "Who would need more than 10.0 fails without the exam.",
    "minimum_attendance": "In percent.",
    "attendance_base": "Percent of the days given so far, or of those planned.",
    "year_days": "The days of lessons that the year is to have.",
    "council_absences": "More than this percent is told to the Conselho Tutelar.",
    "dependencies": "In how many failed subjects a student may go on.",
    "scale": "A line for each concept, with its lowest and its highest grade: A 9.0 10.0",
}


def _build_field(name: str, info: FieldInfo) -> forms.Field:
    """What may be left empty is none, or nothing; all else is said."""
    help_text = HELP_TEXTS.get(name, "")
    if name == "scale":
        lines = forms.Textarea(attrs={"rows": 6})
        return forms.CharField(widget=lines, required=False, help_text=help_text)
    if name == "term_weights":
        return forms.CharField(required=False, help_text=help_text)
    field_type, required = info.annotation, info.default is not None
    if get_origin(field_type) in (Union, types.UnionType):
        field_type = get_args(field_type)[0]
    if get_origin(field_type) is Literal:
        values = [(value, value.replace("_", " ")) for value in get_args(field_type)]
        return forms.ChoiceField(choices=values, help_text=help_text)
    if field_type is bool:
        return forms.BooleanField(required=False, help_text=help_text)
    field_class = forms.IntegerField if field_type is int else forms.DecimalField
    return field_class(required=required, help_text=help_text)


class _RuleProfileForm(forms.ModelForm):
    class Meta:
        model = RuleProfile
        fields = ["network", "code", "name", "source"]

    rules: Rules
    """What was written, once the form is valid."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        latest = self.instance.latest_version() if self.instance.pk else None
        for name, value in _initial_values(latest.rules if latest else None).items():
            self.initial.setdefault(name, value)

    def clean(self) -> dict[str, Any]:
        cleaned_data: dict[str, Any] = super().clean() or {}
        if any(name in self.errors for name in Rules.model_fields):
            return cleaned_data
        try:
            self.rules = Rules.model_validate(_to_rules(cleaned_data))
            if self.instance.pk:
                with transaction.atomic():
                    self.instance.lock_open_years(self.rules)
        except pydantic.ValidationError as error:
            for detail in error.errors():
                self.add_error(*_field_error(detail))
        return cleaned_data


RuleProfileForm = type(
    "RuleProfileForm",
    (_RuleProfileForm,),
    {name: _build_field(name, info) for name, info in Rules.model_fields.items()},
)


def _initial_values(rules: Rules | None) -> dict[str, Any]:
    """The rules as they stand in the fields; what is usual where there are none."""
    if rules is None:
        model_fields = Rules.model_fields.items()
        values = {name: i.default for name, i in model_fields if not i.is_required()}
    else:
        values = {name: getattr(rules, name) for name in Rules.model_fields}
    weights, bands = values["term_weights"], values["scale"]
    return {
        **values,
        "term_weights": ", ".join(map(str, weights)),
        "scale": "\n".join(f"{b.label} {b.lowest} {b.highest}" for b in bands),
    }


def _to_rules(cleaned_data: dict[str, Any]) -> dict[str, Any]:
    """The fields as rules."""
    values = {
        name: str(value) if isinstance(value, Decimal) else value
        for name, value in cleaned_data.items()
        if name in Rules.model_fields and value not in (None, "")
    }
    return {
        **values,
        "term_weights": _parse_weights(cleaned_data["term_weights"]),
        "scale": _parse_bands(cleaned_data["scale"]),
    }


def _parse_weights(text: str) -> list[int]:
    try:
        return [int(weight) for weight in text.split(",")] if text else []
    except ValueError:
        message = "Write whole numbers with a comma between: 1, 1, 2, 2"
        raise ValidationError({"term_weights": message})


def _parse_bands(text: str) -> list[dict[str, str]]:
    lines = [line.rsplit(maxsplit=2) for line in text.splitlines() if line.strip()]
    for line in lines:
        if len(line) != 3:
            message = f"Write a concept and its two grades, not “{' '.join(line)}”."
            raise ValidationError({"scale": message})
    # Brazilians write a comma, and the best concept first; the rules are read one way.
    bands = [
        {
            "label": label,
            "lowest": low.replace(",", "."),
            "highest": high.replace(",", "."),
        }
        for label, low, high in lines
    ]
    return sorted(bands, key=_lowest_grade)


def _lowest_grade(band: dict[str, str]) -> Decimal:
    try:
        grade = Decimal(band["lowest"])
    except InvalidOperation:
        grade = Decimal("NaN")
    if grade.is_nan():  # which cannot be sorted, and may be what was written
        message = f"“{band['lowest']}” is no grade."
        raise ValidationError({"scale": message})
    return grade


def _field_error(detail: Any) -> tuple[str | None, str]:
    """At which field, and in which words; at the form where it is of several."""
    cause = detail.get("ctx", {}).get("error")
    message = str(cause) if isinstance(cause, ValueError) else detail["msg"]
    if not detail["loc"]:
        return None, message
    name, *nested = detail["loc"]
    # Items are counted from 1, as lines are.
    location = " ".join(str(i + 1 if isinstance(i, int) else i) for i in nested)
    return name, f"{location}: {message}" if location else message

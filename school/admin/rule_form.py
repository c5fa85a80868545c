"""Admin form of a rule profile, with one field for each rule."""

import types
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, Union, get_args, get_origin

import pydantic
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from pydantic.fields import FieldInfo

from school.grading.number_format import format_number
from school.grading.rules import Rules
from school.models import RuleProfile

HELP_TEXTS = {
    "terms": "Terms in a year; each subject has one grade per term.",
    "assessment": "Grades in numbers, concepts given by the teachers, or no grades at all.",
    "retention": "What retains a student; with attendance alone, grades never do.",
    "mean_rule": "How the year's mean is computed from the grades of the terms.",
    "term_weights": "For the weighted mean, one weight for each term: 1, 1, 2, 2",
    "term_recovery": "How the recovery of a term combines with the grade of the term.",
    "pass_mark": "Lowest yearly mean that passes; not needed without grades in numbers.",
    "rounding": "How a mean is rounded before it is compared with the pass mark.",
    "rounding_step": "Means are rounded to multiples of this step.",
    "recovery_rule": "How the final recovery exam combines with the mean.",
    "recovery_pass_mark": "Only if it differs from the pass mark of the year.",
    "fail_if_unrecoverable": "A student who would need more than 10.0 fails without the exam.",
    "minimum_attendance": "Minimum attendance, in percent.",
    "attendance_base": "Percentage of the days given so far, or of the days planned.",
    "year_days": "Number of school days planned for the year.",
    "council_absences": "Absences above this percentage are reported to the Conselho Tutelar.",
    "dependencies": "Number of failed subjects with which a student may still be promoted.",
    "pass_concept": "Lowest given concept that passes, such as C.",
    "scale": "One line per concept, with its lowest and highest grade: A 9.0 10.0",
}


class NumberInput(forms.DecimalField):
    """Form field of a number with a decimal comma or point."""

    widget = forms.TextInput(attrs={"inputmode": "decimal"})

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Decimal):
            return value
        return format_number(value, max(0, -int(value.as_tuple().exponent)))

    def to_python(self, value: Any) -> Any:
        return super().to_python(
            None if value is None else str(value).replace(",", ".")
        )


def _build_field(name: str, info: FieldInfo) -> forms.Field:
    """Build the form field of a rule; lists and rules that default to `None` are optional."""
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
    if field_type is str:
        return forms.CharField(required=required, help_text=help_text)
    if field_type is bool:
        return forms.BooleanField(required=False, help_text=help_text)
    field_class = forms.IntegerField if field_type is int else NumberInput
    return field_class(required=required, help_text=help_text)


class _RuleProfileForm(forms.ModelForm):
    class Meta:
        model = RuleProfile
        fields = ["network", "code", "name", "source"]

    rules: Rules
    """Submitted rules; set once the form is valid."""

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
    """Return the initial field values: those of `rules`, or the defaults without rules."""
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
    """Return the input of `Rules.model_validate`."""
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
        message = "Write whole numbers separated by commas: 1, 1, 2, 2"
        raise ValidationError({"term_weights": message})


def _parse_bands(text: str) -> list[dict[str, str]]:
    lines = [line.rsplit(maxsplit=2) for line in text.splitlines() if line.strip()]
    for line in lines:
        if len(line) != 3:
            message = f"Write a concept and its two grades, not “{' '.join(line)}”."
            raise ValidationError({"scale": message})
    # Brazilians write decimal commas and list the best concept first; `Rules` takes
    # decimal points and the lowest band first.
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
    if grade.is_nan():  # invalid, or entered as “NaN”; NaN cannot be sorted
        message = f"“{band['lowest']}” is not a grade."
        raise ValidationError({"scale": message})
    return grade


def _field_error(detail: Any) -> tuple[str | None, str]:
    """Return (field, message) of a pydantic error; the field is None for the whole form."""
    cause = detail.get("ctx", {}).get("error")
    message = str(cause) if isinstance(cause, ValueError) else detail["msg"]
    if not detail["loc"]:
        return None, message
    name, *nested = detail["loc"]
    # Positions count from 1, like lines.
    location = " ".join(str(i + 1 if isinstance(i, int) else i) for i in nested)
    return name, f"{location}: {message}" if location else message

"""Model and form field of a grade: stored in whole tenths, typed and shown as 7,5 or 7.5."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from school.grading.number_format import format_tenths

MAX_TENTHS = 100
_GRADE = re.compile(r"([0-9]{1,2})(?:[.,]([0-9])0*)?")


def parse_grade(text: str) -> int:
    """Return a typed grade in tenths; raise ValidationError if it is none."""
    match = _GRADE.fullmatch(text)
    tenths = int(match[1]) * 10 + int(match[2] or 0) if match else -1
    if not 0 <= tenths <= MAX_TENTHS:
        raise _not_a_grade(text)
    return tenths


def validate_tenths(tenths: int) -> None:
    if not 0 <= tenths <= MAX_TENTHS:
        sign = "-" if tenths < 0 else ""
        raise _not_a_grade(f"{sign}{format_tenths(abs(tenths))}")


def _not_a_grade(text: str) -> ValidationError:
    message = _(
        "“{text}” is not a grade: write a number from 0 to 10 with at most one decimal, "
        "such as {example}."
    )
    return ValidationError(message.format(text=text, example=format_tenths(75)))


class GradeInput(forms.Field):
    """Form field that takes a grade with a decimal comma or point, and gives tenths."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "size": 5})

    def prepare_value(self, value: Any) -> Any:
        return format_tenths(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> int | None:
        text = "" if value is None else str(value).strip()
        return parse_grade(text) if text else None


class TenthsField(models.SmallIntegerField):  # type: ignore[type-arg]
    """Grade in tenths, 0 to 100: 75 is 7.5."""

    default_validators = [validate_tenths]

    def deconstruct(self) -> Any:
        # To the database it is a small integer, so migrations name that.
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.SmallIntegerField", args, kwargs

    def formfield(self, **options: Any) -> Any:
        label = options.get("label", capfirst(self.verbose_name))
        return GradeInput(
            label=label, required=not self.blank, help_text=self.help_text
        )


class ConceptField(models.CharField):  # type: ignore[type-arg]
    """Label of a concept that a teacher gives; blank in years of grades in numbers."""

    def __init__(self, *args: Any, **options: Any) -> None:
        defaults: dict[str, Any] = {
            "max_length": 20,
            "blank": True,
            "default": "",
            "db_default": "",
            "verbose_name": gettext_lazy("concept"),
            "help_text": gettext_lazy(
                "Only where the rules have given concepts: the label of one of them."
            ),
        }
        super().__init__(*args, **defaults | options)

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs


def format_grade(tenths: int | None, concept: str) -> str:
    """Return the grade or concept as text; empty if both are missing."""
    return concept if tenths is None else format_tenths(tenths)

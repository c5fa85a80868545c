"""Base model of records that must belong together by the rules of `school.consistency`."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.formats import date_format
from django.utils.translation import gettext

from school.consistency.messages import OUTSIDE_YEAR
from school.consistency.validation import find_broken_rules


class ConsistentRecord(models.Model):
    rules_of_form: frozenset[str] = frozenset()
    """Names of rules that a form checks itself, since it saves several records at once."""

    class Meta:
        abstract = True

    def clean(self) -> None:
        super().clean()
        errors: dict[str, list[str]] = {}
        for rule in find_broken_rules(self, self.rules_of_form):
            errors.setdefault(rule.field, []).append(self._explain(rule.message))
        if errors:
            raise ValidationError(errors)

    def _explain(self, message: str) -> str:
        text = gettext(message)
        if message != OUTSIDE_YEAR:
            return text
        record: Any = self
        year = getattr(record, "school_class", record).school_year
        days = (
            date_format(day, "SHORT_DATE_FORMAT")
            for day in (year.starts_on, year.ends_on)
        )
        return f"{text}: {' – '.join(days)}."

"""Parts of sentences for people: lists, ordinals, terms, concepts and attendance."""

from collections.abc import Sequence
from functools import lru_cache

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from school.grading.attendance import AttendanceDays, AttendanceResult
from school.grading.number_format import format_prose
from school.grading.rules import Rules

TERM_KIND_LABELS: dict[str, str | Promise] = {
    "bimester": gettext_lazy("bimester"),
    "trimester": gettext_lazy("trimester"),
    "semester": gettext_lazy("semester"),
    "term": gettext_lazy("term"),
}
ORDINALS: tuple[str | Promise, ...] = (
    gettext_lazy("1st"),
    gettext_lazy("2nd"),
    gettext_lazy("3rd"),
    gettext_lazy("4th"),
    gettext_lazy("5th"),
    gettext_lazy("6th"),
    gettext_lazy("7th"),
    gettext_lazy("8th"),
    gettext_lazy("9th"),
    gettext_lazy("10th"),
)
"""Ordinals of all terms that a year may have."""
CACHE_SIZE = 2**12
"""Cached phrases: a network has millions, but few distinct ones."""


def join_words(words: Sequence[str]) -> str:
    """Join words to a list: "A, B and C"."""
    *first_words, last_word = words
    if not first_words:
        return last_word
    return _("{first} and {last}").format(first=", ".join(first_words), last=last_word)


def term_name(kind: str, number: int) -> str:
    """Return the name of one term: "3rd bimester"."""
    return f"{ORDINALS[number - 1]} {TERM_KIND_LABELS[kind]}"


def of_terms(kind: str, numbers: Sequence[int]) -> str:
    """Return the terms whose grades a sentence is about: "the 3rd and the 4th bimester"."""
    return _of_terms(kind, tuple(numbers), get_language())


def in_terms(kind: str, numbers: Sequence[int]) -> str:
    """Return the terms in which a grade is needed: "in the 3rd and in the 4th bimester"."""
    return _in_terms(kind, tuple(numbers), get_language())


# Portuguese merges the article with a different preposition in each ("do 3º", "no 3º").
@lru_cache(CACHE_SIZE)
def _of_terms(kind: str, numbers: tuple[int, ...], language: str | None) -> str:
    ordinals = [_("the {ordinal}").format(ordinal=ORDINALS[n - 1]) for n in numbers]
    return f"{join_words(ordinals)} {TERM_KIND_LABELS[kind]}"


@lru_cache(CACHE_SIZE)
def _in_terms(kind: str, numbers: tuple[int, ...], language: str | None) -> str:
    ordinals = [_("in the {ordinal}").format(ordinal=ORDINALS[n - 1]) for n in numbers]
    return f"{join_words(ordinals)} {TERM_KIND_LABELS[kind]}"


def describe_attendance(
    rules: Rules, days: AttendanceDays, result: AttendanceResult, *, is_over: bool
) -> str:
    """Return the attended days with their percentage and the minimum, as a sentence."""
    if result.base_days is None or result.percent is None:
        if is_over:
            return _("No school day is recorded.")
        return _("No school day is recorded yet.")
    is_planned = (
        rules.attendance_base == "planned" and result.base_days > days.lesson_days
    )
    return _describe_days(
        days.absences if is_planned else (result.attended_days or 0),
        result.base_days,
        _describe_percent(rules, result),
        is_planned,
        get_language(),
    )


def _describe_percent(rules: Rules, result: AttendanceResult) -> str:
    """Return the percentage and the minimum; without a minimum, only the percentage."""
    text = _("{percent}%").format(
        percent=format_prose(result.percent or 0, min_decimals=0)
    )
    if not rules.minimum_attendance:
        return text
    return _("{percent}; the minimum is {minimum}%").format(
        percent=text, minimum=format_prose(rules.minimum_attendance, min_decimals=0)
    )


@lru_cache(CACHE_SIZE)
def _describe_days(
    count: int, base: int, percent: str, is_planned: bool, language: str | None
) -> str:
    if is_planned:
        # Days that are still to come are no attended days.
        text = ngettext(
            "Missed {count} of the {base} school day planned for the year (attendance {percent}).",
            "Missed {count} of the {base} school days planned for the year (attendance {percent}).",
            base,
        )
    else:
        text = ngettext(
            "Came on {count} of {base} school day ({percent}).",
            "Came on {count} of the {base} school days ({percent}).",
            base,
        )
    return text.format(count=count, base=base, percent=percent)

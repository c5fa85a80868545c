"""Pass marks of grades in SQL."""

from collections.abc import Iterable

from django.db.models import Case, Q, SmallIntegerField, Value, When

from school.records.calendar import AcademicCalendar


def pass_mark_in_tenths(
    calendar: AcademicCalendar, year_levels: Iterable[tuple[int, int]]
) -> Case | Value:
    """Return the pass mark for a grade; null if its level has no rules.

    `year_levels` lists all (year, level) ids of the grades.
    """
    conditions: dict[int | None, Q] = {}
    for year, level in year_levels:
        version = calendar.rule_version(year, level)
        tenths = int(version.rules.pass_mark * 10) if version else None
        of_level = Q(
            offering__school_class__school_year=year, enrolment__grade_level=level
        )
        conditions[tenths] = conditions.get(tenths, Q()) | of_level
    if len(conditions) <= 1:
        # The usual case: needs no join of grades to levels and years.
        return Value(next(iter(conditions), None), SmallIntegerField())
    cases = [
        When(condition, then=Value(tenths)) for tenths, condition in conditions.items()
    ]
    return Case(*cases, output_field=SmallIntegerField())

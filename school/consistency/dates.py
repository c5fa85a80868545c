"""Rules that keep lessons, enrolments, absences and terms within their school year.

A school year may be moved by a strike or a flood: it may cross the calendar year, begin later
and end later. Enrolments are often dated weeks before the first day of lessons, and exits are
recorded after the last, so their dates may lie around the year. Absences stay when an exit is
recorded later with an earlier date.
"""

from collections.abc import Iterator

from school.consistency.messages import (
    NOT_BORN,
    NOT_ENROLLED,
    OUTSIDE_YEAR,
    RECORDS_OUTSIDE_YEAR,
    YEAR_OF_DATES,
    YEAR_OF_LAST_DATE,
)
from school.consistency.rule import Rule, Sql

ENROLMENT_MARGIN_DAYS = 180
"""Days around the school year in which enrolments may begin and end."""
_YEAR_OF_CLASS = (
    "school_schoolclass c JOIN school_schoolyear y ON y.id = c.school_year_id"
)


def year_rules(sql: Sql) -> Iterator[Rule]:
    for name, column, message in (
        ("year_of_dates", "starts_on", YEAR_OF_DATES),
        ("year_of_last_date", "ends_on", YEAR_OF_LAST_DATE),
    ):
        year = sql.year_of(f"NEW.{column}")
        yield Rule(
            name,
            "school_schoolyear",
            ("year", column),
            f"{year} NOT BETWEEN NEW.year - 1 AND NEW.year + 1",
            column,
            message,
        )
    new, old = ("NEW.starts_on", "NEW.ends_on"), ("OLD.starts_on", "OLD.ends_on")
    yield Rule(
        "year_keeps_terms",
        "school_schoolyear",
        ("starts_on", "ends_on"),
        "EXISTS (SELECT 1 FROM school_term t WHERE t.school_year_id = NEW.id"  # noqa: S608
        f" AND {_terms_outside(*new)} AND NOT {_terms_outside(*old)})",
        "starts_on",
        RECORDS_OUTSIDE_YEAR,
        ("UPDATE",),
    )
    yield Rule(
        "year_keeps_records",
        "school_schoolyear",
        ("starts_on", "ends_on"),
        _records_outside("c.school_year_id = NEW.id", new, old, sql),
        "starts_on",
        RECORDS_OUTSIDE_YEAR,
        ("UPDATE",),
    )
    years = tuple(
        (f"(SELECT starts_on FROM school_schoolyear WHERE id = {row}.school_year_id)",  # noqa: S608
         f"(SELECT ends_on FROM school_schoolyear WHERE id = {row}.school_year_id)")  # noqa: S608
        for row in ("NEW", "OLD")
    )  # fmt: skip
    yield Rule(
        "class_keeps_year_of_records",
        "school_schoolclass",
        ("school_year_id",),
        _records_outside("c.id = NEW.id", years[0], years[1], sql),
        "school_year",
        RECORDS_OUTSIDE_YEAR,
        ("UPDATE",),
    )


def _records_outside(
    classes: str, new: tuple[str, str], old: tuple[str, str], sql: Sql
) -> str:
    """Return the condition of lessons or enrolments that leave the year by a change."""
    return (
        "(EXISTS (SELECT 1 FROM school_schoolclass c"  # noqa: S608
        f" JOIN school_classsession d ON d.school_class_id = c.id WHERE {classes}"
        f" AND {_date_outside(*new, 'd.date')} AND NOT {_date_outside(*old, 'd.date')})"
        " OR EXISTS (SELECT 1 FROM school_schoolclass c"
        f" JOIN school_enrolment e ON e.school_class_id = c.id WHERE {classes}"
        f" AND {_enrolment_outside(*new, sql)} AND NOT {_enrolment_outside(*old, sql)}))"
    )


def enrolment_rules(sql: Sql) -> Iterator[Rule]:
    year = ("y.starts_on", "y.ends_on", sql, "NEW")
    for column, outside in (
        ("entry_date", _entry_outside(*year)),
        ("exit_date", _exit_outside(*year)),
    ):
        yield Rule(
            f"enrolment_{column}",
            "school_enrolment",
            ("school_class_id", column),
            f"(SELECT {outside} FROM {_YEAR_OF_CLASS}"  # noqa: S608
            " WHERE c.id = NEW.school_class_id)",
            column,
            OUTSIDE_YEAR,
        )
    yield Rule(
        "enrolment_after_birth",
        "school_enrolment",
        ("student_id", "entry_date"),
        "NEW.entry_date <= (SELECT birth_date FROM school_student WHERE id = NEW.student_id)",
        "entry_date",
        NOT_BORN,
    )
    yield Rule(
        "birth_before_enrolments",
        "school_student",
        ("birth_date",),
        "EXISTS (SELECT 1 FROM school_enrolment e WHERE e.student_id = NEW.id"
        " AND e.entry_date <= NEW.birth_date AND e.entry_date > OLD.birth_date)",
        "birth_date",
        NOT_BORN,
        ("UPDATE",),
    )


def lesson_rules() -> Iterator[Rule]:
    """Yield the rules of lessons, absences and terms."""
    outside = _date_outside("y.starts_on", "y.ends_on", "NEW.date")
    yield Rule(
        "session_date",
        "school_classsession",
        ("school_class_id", "date"),
        f"(SELECT {outside} FROM {_YEAR_OF_CLASS}"  # noqa: S608
        " WHERE c.id = NEW.school_class_id)",
        "date",
        OUTSIDE_YEAR,
    )
    yield Rule(
        "absence_date",
        "school_absence",
        ("enrolment_id", "session_id"),
        "(SELECT d.date < e.entry_date OR d.date >= e.exit_date"
        " FROM school_enrolment e CROSS JOIN school_classsession d"
        " WHERE e.id = NEW.enrolment_id AND d.id = NEW.session_id)",
        "session",
        NOT_ENROLLED,
    )
    outside = _terms_outside("y.starts_on", "y.ends_on", "NEW")
    yield Rule(
        "term_dates",
        "school_term",
        ("school_year_id", "starts_on", "ends_on"),
        f"(SELECT {outside} FROM school_schoolyear y"  # noqa: S608
        " WHERE y.id = NEW.school_year_id)",
        "starts_on",
        OUTSIDE_YEAR,
    )


def _enrolment_outside(start: str, end: str, sql: Sql) -> str:
    """Return the condition of an enrolment `e` that is not around the year."""
    year = (start, end, sql, "e")
    return f"({_entry_outside(*year)} OR COALESCE({_exit_outside(*year)}, FALSE))"


def _entry_outside(start: str, end: str, sql: Sql, row: str) -> str:
    earliest = sql.add_days(start, -ENROLMENT_MARGIN_DAYS)
    return f"({row}.entry_date > {end} OR {row}.entry_date < {earliest})"


def _exit_outside(_start: str, end: str, sql: Sql, row: str) -> str:
    return f"{row}.exit_date > {sql.add_days(end, ENROLMENT_MARGIN_DAYS)}"


def _date_outside(start: str, end: str, date: str) -> str:
    return f"({date} < {start} OR {date} > {end})"


def _terms_outside(start: str, end: str, row: str = "t") -> str:
    return f"({row}.starts_on < {start} OR {row}.ends_on > {end})"

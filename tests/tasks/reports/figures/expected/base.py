"""Facts that the suite must know of a kind of report; one module beside this one per kind."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal

from tests.support.oracle.selection import Rows, Selection

Parameters = dict[str, object]
Outcomes = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Objects:
    """Ids of records that a viewer may see."""

    classes: list[int]
    schools: list[int]
    students: list[int]


def class_cases(objects: Objects) -> list[Parameters]:
    """Return parameters of years, classes and schools."""
    return [
        *({"year": year} for year in (2026, 2025, 1999)),
        *({"class_id": pk} for pk in objects.classes),
        *([{"class_ids": objects.classes}] if objects.classes else []),
        *({"school_id": pk, "year": 2026} for pk in objects.schools),
    ]


def student_cases(objects: Objects) -> list[Parameters]:
    """Return the parameters of `class_cases` and those of single students."""
    student_parameters = [{"student_id": pk, "year": 2026} for pk in objects.students]
    if objects.students:
        several = {"student_ids": objects.students[:2], "year": 2026}
        student_parameters.append(several)
    return [*class_cases(objects), *student_parameters]


@dataclass(frozen=True)
class KeyedRows:
    """Rows as the access matrix compares them, in a form that ignores their order."""

    expected: Callable[[str, dict[str, Any]], Any]
    """Takes the user's name and the parameters."""
    actual: Callable[[list[dict[str, Any]]], Any]
    """Takes the rows of the report."""


@dataclass(frozen=True, kw_only=True)
class ExpectedReport:
    """Expectations of one kind, written without the code under test."""

    roles: Collection[str]
    """Roles that may request the kind."""
    reach: Literal["SELECTED", "YEAR", "HISTORY"]
    """Records that the kind reads beyond the selected enrolments."""
    rows: Callable[[Selection], Rows] | None
    """Returns all rows in order, cells as in JSON, without `text_columns`.

    None for a kind that exports records; it must define `keyed_rows`.
    """
    skipped: Callable[[Selection], Mapping[str, int]] | None
    """Returns the number of skipped records or students by reason; None if not compared."""
    skipped_of_inconsistent_class: Mapping[str, int]
    """Skipped counts of the class in `test_inconsistent_records`, by reason."""

    cases: Callable[[Objects], list[Parameters]] = student_cases
    """Returns the parameters that a viewer of these objects tries."""
    required_parameters: Mapping[str, object] = field(default_factory=dict)
    """Parameters that every request of the kind needs, beside the selection."""
    students: Literal["all", "some", "none"] = "all"
    """Students with rows of their own: all who are selected, those who match, or none."""
    has_class_column: bool = True
    """True if each row has the columns `school` and `class`."""
    has_own_sql: bool = False
    """True if the kind's SQL differs from the others': its tests run on both databases."""
    text_columns: Collection[str] = ()
    """Columns with texts, which `rows` omits."""
    texts: Collection[tuple[str, str, str, str]] = ()
    """Language, student of the edge cases, text column, and a part of the text."""
    keyed_rows: KeyedRows | None = None
    """Second, simpler expectation for the access matrix; None compares all of `rows`."""
    outcomes: Outcomes | None = None
    """Outcome table of the access matrix; None stands for its sample of objects."""

    def __post_init__(self) -> None:
        if self.rows is None and self.keyed_rows is None:
            raise TypeError("ExpectedReport needs `rows` or `keyed_rows`.")

    def drop_texts(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows without the text columns."""
        return [
            {name: cell for name, cell in row.items() if name not in self.text_columns}
            for row in rows
        ]


def required_arguments() -> list[str]:
    """Return the names of the arguments that every kind must define."""
    defaults = {one.name: (one.default, one.default_factory) for one in fields(ExpectedReport)}  # fmt: skip
    return [name for name, default in defaults.items() if default == (MISSING, MISSING)]

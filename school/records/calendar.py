"""Rules and dates of whole school years."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from django.db.models import Q

from school.grading.attendance import DatedWindow, benefit_windows
from school.models import RuleVersion, SchoolYear
from school.records.enrolment_rows import EnrolmentRow
from school.records.rule_lookup import RuleLookup


def year_filter(year: int, path: str = "") -> Q:
    """Filter by the school years of this number, or with days in this calendar year.

    `path` is the lookup path to the school year; empty for school years themselves.
    """
    prefix = f"{path}__" if path else ""
    return Q(**{f"{prefix}year": year}) | Q(
        **{
            f"{prefix}starts_on__lte": date(year, 12, 31),
            f"{prefix}ends_on__gte": date(year, 1, 1),
        }
    )


@dataclass(frozen=True, slots=True)
class _YearDates:
    year: int
    starts_on: date
    ends_on: date
    term_starts: dict[int, date] = field(default_factory=dict)
    term_ends: dict[int, date] = field(default_factory=dict)

    @property
    def last_day(self) -> date:
        """The last day of the last term, or of the year if no term is recorded."""
        return max(self.term_ends.values(), default=self.ends_on)


class AcademicCalendar:
    """Rules and dates of all school years (there are few), read by two queries."""

    @cached_property
    def _rule_lookup(self) -> RuleLookup:
        return RuleLookup(SchoolYear.objects.values("pk"))

    @cached_property
    def _years(self) -> Mapping[int, _YearDates]:
        years: dict[int, _YearDates] = {}
        rows = SchoolYear.objects.order_by().values_list(
            "pk", "year", "starts_on", "ends_on",
            "terms__number", "terms__starts_on", "terms__ends_on",
        )  # fmt: skip
        for id, number_of_year, first, last, term, starts_on, ends_on in rows:
            year = years.setdefault(id, _YearDates(number_of_year, first, last))
            if term is not None:
                year.term_starts[term] = starts_on
                year.term_ends[term] = ends_on
        return years

    def rule_version(self, year_id: int, level_id: int) -> RuleVersion | None:
        return self._rule_lookup.find(year_id, level_id)

    def term_starts(self, year_id: int) -> Mapping[int, date]:
        """Return the recorded first day of each term by term number."""
        return self._years[year_id].term_starts

    def term_count(self, year_id: int, level_id: int) -> int:
        """Return the number of terms of the level's year, from its rules or else its calendar."""
        version = self.rule_version(year_id, level_id)
        return version.rules.terms if version else len(self.term_starts(year_id))

    def late_terms(self, year_id: int, exit: date | None) -> Set[int]:
        """Return the terms that began on or after the exit; terms without dates are left out."""
        if exit is None:
            return frozenset()
        return {n for n, start in self.term_starts(year_id).items() if start >= exit}

    def terms_before_enrolment(
        self, year_id: int, stays: Sequence[tuple[date, date | None]]
    ) -> frozenset[int]:
        """Return the terms that ended before one of the stays and lie wholly outside all.

        Each stay is the first day in a class, and the first day that is not; None if there
        is none. Terms without dates are left out.
        """
        last_entry = max(entry for entry, _exit in stays)
        year = self._years[year_id]
        return frozenset(
            number
            for number, end in year.term_ends.items()
            if end < last_entry
            and not any(
                entry <= end and (exit is None or year.term_starts[number] < exit)
                for entry, exit in stays
            )
        )

    def benefit_windows(self, year_id: int) -> Sequence[DatedWindow]:
        """Return the windows of the Bolsa Família programme in the school year."""
        year = self._years[year_id]
        return benefit_windows(year.year, year.starts_on, year.ends_on)

    def first_day(self, row: EnrolmentRow, first_lesson: date | None) -> date:
        """Return the day on which lessons of the class began, at the latest in the first term.

        `first_lesson` is the first recorded lesson day of the class.
        """
        year = self._years[row.year_id]
        starts = sorted(year.term_starts.values()) or [year.starts_on]
        next_start = starts[1] if len(starts) > 1 else year.ends_on
        if first_lesson is not None and starts[0] <= first_lesson < next_start:
            return first_lesson
        return starts[0]

    def stayed_to_end(self, row: EnrolmentRow, last_lesson: date | None) -> bool:
        """Return whether the student stayed in the class until its lessons ended.

        `last_lesson` is the last recorded lesson day of the class. Lessons end with the last
        term; in a closed year with the last lesson, if no term was still to begin: the lessons
        of a class may be recorded in part.
        """
        if row.exit is None or not row.ending and row.exit >= row.year_ends_on:
            return True
        if last_lesson is not None and row.exit <= last_lesson:
            return False
        if row.exit > self._years[row.year_id].last_day:
            return True
        has_lessons = last_lesson is not None
        is_over = row.is_closed and not self.late_terms(row.year_id, row.exit)
        return has_lessons and is_over

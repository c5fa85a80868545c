"""Rules and term dates of whole school years."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from datetime import date
from functools import cached_property

from school.models import RuleVersion, SchoolYear, Term
from school.records.rule_lookup import RuleLookup


class AcademicCalendar:
    """Rules and term dates of all school years (there are few), read by two queries."""

    @cached_property
    def _rule_lookup(self) -> RuleLookup:
        return RuleLookup(SchoolYear.objects.values("pk"))

    @cached_property
    def _term_dates(self) -> Mapping[int, Mapping[int, tuple[date, date]]]:
        dates: dict[int, dict[int, tuple[date, date]]] = defaultdict(dict)
        terms = Term.objects.order_by().values_list(
            "school_year_id", "number", "starts_on", "ends_on"
        )
        for year, number, start, end in terms:
            dates[year][number] = start, end
        return dates

    def rule_version(self, year_id: int, level_id: int) -> RuleVersion | None:
        return self._rule_lookup.find(year_id, level_id)

    def term_starts(self, year_id: int) -> Mapping[int, date]:
        """Return the recorded first day of each term by term number."""
        dates = self._term_dates.get(year_id, {})
        return {number: start for number, (start, _end) in dates.items()}

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
        return frozenset(
            number
            for number, (start, end) in self._term_dates.get(year_id, {}).items()
            if end < last_entry
            and not any(
                entry <= end and (exit is None or start < exit) for entry, exit in stays
            )
        )

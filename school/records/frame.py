"""What holds for whole school years: by which rules they are judged, and their terms."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from functools import cached_property

from school.models import RuleVersion, SchoolYear, Term
from school.rulebook import Rulebook


class Frame:
    """Of all school years, in two queries: they are few."""

    @cached_property
    def _rulebook(self) -> Rulebook:
        return Rulebook(SchoolYear.objects.values("pk"))

    @cached_property
    def _starts(self) -> Mapping[int, Mapping[int, date]]:
        starts: dict[int, dict[int, date]] = defaultdict(dict)
        terms = Term.objects.order_by().values_list(
            "school_year_id", "number", "starts_on"
        )
        for year, number, day in terms:
            starts[year][number] = day
        return starts

    def rules(self, year: int, level: int) -> RuleVersion | None:
        return self._rulebook.find(year, level)

    def terms(self, year: int, level: int) -> int:
        """How many terms that level's year has: by its rules, else by its calendar."""
        version = self.rules(year, level)
        return version.rules.terms if version else len(self._starts[year])

    def terms_until(self, year: int, exit: date | None, terms: int) -> int:
        """How many of the terms had begun before the day of exit."""
        if exit is None:
            return terms
        starts = self._starts[year]
        late = [n for n in range(1, terms + 1) if n in starts and starts[n] >= exit]
        return min(late, default=terms + 1) - 1

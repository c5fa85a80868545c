"""What holds for whole school years: by which rules they are judged, and their terms."""

from collections import defaultdict
from collections.abc import Mapping, Set
from datetime import date
from functools import cached_property

from school.models import RuleVersion, SchoolYear, Term
from school.records.rule_lookup import Rulebook


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

    def starts(self, year: int) -> Mapping[int, date]:
        """The first day of each of its terms, by the term's number, as far as there."""
        return self._starts.get(year, {})

    def terms(self, year: int, level: int) -> int:
        """How many terms that level's year has: by its rules, else by its calendar."""
        version = self.rules(year, level)
        return version.rules.terms if version else len(self.starts(year))

    def late_terms(self, year: int, exit: date | None) -> Set[int]:
        """The terms that began when the student had left; of one without dates nobody knows."""
        if exit is None:
            return frozenset()
        return {n for n, start in self.starts(year).items() if start >= exit}

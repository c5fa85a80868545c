"""Lookup of rule versions by school year and grade level."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet

from school.models import RuleVersion, YearRules


class RuleLookup:
    """Rule versions of some school years, read by one query."""

    def __init__(self, school_years: Iterable[int] | QuerySet[Any, Any]) -> None:
        """Read the rules; `school_years` are ids or a single-column query of ids."""
        rows = YearRules.objects.filter(Q(school_year__in=school_years))
        versions: dict[int, RuleVersion] = {}
        # One object per version, so that its rules are parsed once.
        self._versions = {
            (row.school_year_id, row.grade_level_id): versions.setdefault(
                row.version_id, row.version
            )
            for row in rows.order_by().select_related("version__profile")
        }

    def find(
        self, school_year_id: int, grade_level_id: int | None
    ) -> RuleVersion | None:
        """Return the level's own rules, else the default rules of the year, else None."""
        level_version = self._versions.get((school_year_id, grade_level_id))
        return level_version or self._versions.get((school_year_id, None))

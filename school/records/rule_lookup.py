"""Which rules judge which school year and grade level."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet

from school.models import RuleVersion, YearRules


class RuleLookup:
    """The rules of some school years, read once and then asked as often as wanted."""

    def __init__(self, school_years: Iterable[int] | QuerySet[Any, Any]) -> None:
        """Take ids, or a query's single column of them; read all in one query."""
        rows = YearRules.objects.filter(Q(school_year__in=school_years))
        versions: dict[int, RuleVersion] = {}
        # One object a version, so that its rules are parsed once.
        self._versions = {
            (row.school_year_id, row.grade_level_id): versions.setdefault(
                row.version_id, row.version
            )
            for row in rows.order_by().select_related("version__profile")
        }

    def find(
        self, school_year_id: int, grade_level_id: int | None
    ) -> RuleVersion | None:
        """The level's own rules, else those of the year's other levels, else none."""
        level_version = self._versions.get((school_year_id, grade_level_id))
        return level_version or self._versions.get((school_year_id, None))

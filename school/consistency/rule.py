"""Rules as conditions in SQL, and what differs in the SQL of the databases."""

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Rule:
    name: str
    table: str
    columns: tuple[str, ...]
    """Columns that the condition reads of the record; a change of one can break the rule."""
    condition: str
    """SQL condition of a violation."""
    field: str
    """Field of the form that shows the message."""
    message: str
    events: tuple[str, ...] = ("INSERT", "UPDATE")
    """Writes that can break the rule. Those of parents are only updates and deletions."""

    @property
    def is_of_stored_rows(self) -> bool:
        """True if the condition can be asked for a stored row alone."""
        return "INSERT" in self.events

    @cached_property
    def tables(self) -> set[str]:
        return {
            self.table,
            *re.findall(r"\b(?:FROM|JOIN) (school_\w+)", self.condition),
        }

    def condition_of(self, new: str, old: str = "OLD") -> str:
        """Return the condition for records of other names than NEW and OLD."""
        condition = re.sub(r"\bNEW\.", f"{new}.", self.condition)
        return re.sub(r"\bOLD\.", f"{old}.", condition)


@dataclass(frozen=True)
class Sql:
    """SQL that differs between the databases."""

    vendor: str

    def add_days(self, expression: str, days: int) -> str:
        if self.vendor == "postgresql":
            return f"({expression} + ({days}))"
        return f"date({expression}, '{days:+d} days')"

    def year_of(self, expression: str) -> str:
        if self.vendor == "postgresql":
            return f"EXTRACT(YEAR FROM {expression})"
        return f"CAST(strftime('%Y', {expression}) AS integer)"

    def concepts_lack(self, content: str, label: str) -> str:
        """Return the condition that the JSON of rules has no given concept of this label."""
        if self.vendor == "postgresql":
            assessment = f"{content} ->> 'assessment'"
            bands = f"jsonb_array_elements({content} -> 'scale') band"
            own_label = "band.value ->> 'label'"
        else:
            assessment = f"json_extract({content}, '$.assessment')"
            bands = f"json_each({content}, '$.scale') band"
            own_label = "json_extract(band.value, '$.label')"
        return (
            f"(COALESCE({assessment}, 'grades') <> 'concepts' OR NOT EXISTS"  # noqa: S608
            f" (SELECT 1 FROM {bands} WHERE {own_label} = {label}))"
        )

    def lacks_term_recovery(self, content: str) -> str:
        """Return the condition that the JSON of rules has no recovery of terms."""
        if self.vendor == "postgresql":
            rule = f"{content} ->> 'term_recovery'"
        else:
            rule = f"json_extract({content}, '$.term_recovery')"
        return f"COALESCE({rule}, 'none') = 'none'"

    def terms_of(self, content: str) -> str:
        """Return the number of terms in the JSON of a rule version."""
        if self.vendor == "postgresql":
            return f"({content} ->> 'terms')::integer"
        return f"json_extract({content}, '$.terms')"

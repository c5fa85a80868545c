"""Register of all rules.

Each rule is written once: triggers enforce it for every write, `full_clean` asks it for a
record that is not saved yet, and `manage.py check_records` asks it for all stored rows. In a
condition, NEW is the record, and OLD is its stored values.
"""

from functools import cache

from school.consistency.concepts import concept_rules, term_recovery_rules
from school.consistency.dates import enrolment_rules, lesson_rules, year_rules
from school.consistency.networks import (
    level_rules,
    network_change_rules,
    network_rules,
    offering_level_rules,
)
from school.consistency.rule import Rule, Sql
from school.consistency.terms import term_rules


@cache
def rules_for(vendor: str) -> tuple[Rule, ...]:
    """Return all rules in the SQL of the database `vendor`."""
    sql = Sql(vendor)
    return (
        *network_rules(),
        *network_change_rules(),
        *level_rules(),
        *offering_level_rules(),
        *year_rules(sql),
        *enrolment_rules(sql),
        *lesson_rules(),
        *term_rules(sql),
        *concept_rules(sql),
        *term_recovery_rules(sql),
    )

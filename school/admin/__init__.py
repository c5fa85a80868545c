"""The school's records and rules in the Django admin."""

from school.admin import records, rules

__all__ = ["records", "rules"]

"""Django admin of the school records and rule profiles."""

from school.admin import records, rules

__all__ = ["records", "rules"]

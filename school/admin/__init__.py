"""The school in the Django admin: its records, and the rules it judges by."""

from school.admin import records, rules

__all__ = ["records", "rules"]

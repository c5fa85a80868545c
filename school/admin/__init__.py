"""Django admin of the school records, rule profiles, users and groups."""

from school.admin import groups, records, rules, users

__all__ = ["groups", "records", "rules", "users"]

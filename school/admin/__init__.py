"""Django admin of the school records, rule profiles, users and groups."""

from school.admin import classes, groups, records, rules, users

__all__ = ["classes", "groups", "records", "rules", "users"]

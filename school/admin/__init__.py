"""Django admin of the school records, rule profiles, users and groups."""

from school.admin import (
    classes,
    grade_changes,
    groups,
    records,
    rules,
    school_years,
    users,
)

__all__ = [
    "classes",
    "grade_changes",
    "groups",
    "records",
    "rules",
    "school_years",
    "users",
]

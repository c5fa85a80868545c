"""Lookup paths from each model to the records that a role is attached to."""

from dataclasses import dataclass

from school.models import Role


@dataclass(frozen=True)
class RolePaths:
    """Paths of one role."""

    attachment_field: str
    enrolment_path: str
    class_path: str
    school_path: str


PATHS_BY_ROLE = {
    Role.ADMINISTRATOR: RolePaths(
        "network", "school_class__school__network", "school__network", "network"
    ),
    Role.STAFF: RolePaths("school", "school_class__school", "school", "pk"),
    Role.TEACHER: RolePaths("school_class", "school_class", "pk", "classes"),
    Role.GUARDIAN: RolePaths(
        "student", "student", "enrolments__student", "classes__enrolments__student"
    ),
}

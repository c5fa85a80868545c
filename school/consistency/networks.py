"""Rules that keep records in one network, and enrolments in the levels of their class."""

from collections.abc import Iterator

from school.consistency.messages import (
    LEVEL_IN_USE,
    LEVEL_OF_SUBJECT,
    OTHER_LEVEL,
    OTHER_NETWORKS,
)
from school.consistency.rule import Rule


def _network_of(table: str, id: str) -> str:
    return f"(SELECT network_id FROM {table} WHERE id = {id})"  # noqa: S608  (our own names)


def _network_of_class(id: str) -> str:
    return (
        "(SELECT s.network_id FROM school_schoolclass c"  # noqa: S608
        f" JOIN school_school s ON s.id = c.school_id WHERE c.id = {id})"
    )


def _network_of_version(id: str) -> str:
    return (
        "(SELECT p.network_id FROM school_ruleversion v"  # noqa: S608
        f" JOIN school_ruleprofile p ON p.id = v.profile_id WHERE v.id = {id})"
    )


def network_rules() -> Iterator[Rule]:
    pairs = [
        (
            "class", "school_schoolclass", ("school_id", "school_year_id"), "school_year",
            _network_of("school_school", "NEW.school_id"),
            _network_of("school_schoolyear", "NEW.school_year_id"),
        ),
        (
            "enrolment", "school_enrolment", ("student_id", "school_class_id"), "school_class",
            _network_of("school_student", "NEW.student_id"),
            _network_of_class("NEW.school_class_id"),
        ),
        (
            "year_rules", "school_yearrules", ("school_year_id", "version_id"), "version",
            _network_of("school_schoolyear", "NEW.school_year_id"),
            _network_of_version("NEW.version_id"),
        ),
    ]  # fmt: skip
    for name, table, columns, field, one, other in pairs:
        condition = f"{one} <> {other}"
        yield Rule(f"{name}_network", table, columns, condition, field, OTHER_NETWORKS)


def network_change_rules() -> Iterator[Rule]:
    """Yield the rules of parents; only what belonged to the network until now holds them."""
    children = [
        (
            "school_school",
            "SELECT y.network_id FROM school_schoolclass c"
            " JOIN school_schoolyear y ON y.id = c.school_year_id WHERE c.school_id = NEW.id",
        ),
        (
            "school_schoolyear",
            "SELECT s.network_id FROM school_schoolclass c"
            " JOIN school_school s ON s.id = c.school_id WHERE c.school_year_id = NEW.id"
            " UNION ALL SELECT p.network_id FROM school_yearrules r"
            " JOIN school_ruleversion v ON v.id = r.version_id"
            " JOIN school_ruleprofile p ON p.id = v.profile_id WHERE r.school_year_id = NEW.id",
        ),
        (
            "school_student",
            "SELECT s.network_id FROM school_enrolment e"
            " JOIN school_schoolclass c ON c.id = e.school_class_id"
            " JOIN school_school s ON s.id = c.school_id WHERE e.student_id = NEW.id",
        ),
        (
            "school_ruleprofile",
            "SELECT y.network_id FROM school_ruleversion v"
            " JOIN school_yearrules r ON r.version_id = v.id"
            " JOIN school_schoolyear y ON y.id = r.school_year_id WHERE v.profile_id = NEW.id",
        ),
    ]  # fmt: skip
    for table, networks in children:
        yield Rule(
            f"{table.removeprefix('school_')}_leaves_network",
            table,
            ("network_id",),
            f"NEW.network_id <> OLD.network_id AND OLD.network_id IN ({networks})",
            "network",
            OTHER_NETWORKS,
            ("UPDATE",),
        )
    school = _network_of("school_school", "{row}.school_id")
    yield Rule(
        "class_leaves_network",
        "school_schoolclass",
        ("school_id",),
        f"{school.format(row='NEW')} <> {school.format(row='OLD')}"  # noqa: S608
        f" AND {school.format(row='OLD')} IN (SELECT s.network_id FROM school_enrolment e"
        " JOIN school_student s ON s.id = e.student_id WHERE e.school_class_id = NEW.id)",
        "school",
        OTHER_NETWORKS,
        ("UPDATE",),
    )


def level_rules() -> Iterator[Rule]:
    yield Rule(
        "enrolment_level",
        "school_enrolment",
        ("school_class_id", "grade_level_id"),
        # A class whose levels are not recorded yet takes students of every level.
        _lacks_level("NEW.school_class_id", "NEW.grade_level_id"),
        "grade_level",
        OTHER_LEVEL,
    )
    used = (
        "EXISTS (SELECT 1 FROM school_enrolment e"
        " WHERE e.school_class_id = OLD.schoolclass_id"
        " AND e.grade_level_id = OLD.gradelevel_id)"
    )
    yield Rule(
        "class_keeps_levels",
        "school_schoolclass_grade_levels",
        ("schoolclass_id", "gradelevel_id"),
        used,
        "grade_levels",
        LEVEL_IN_USE,
        ("UPDATE", "DELETE"),
    )


def offering_level_rules() -> Iterator[Rule]:
    """Yield the rules that keep the levels of a subject within those of its class."""
    yield Rule(
        "offering_level",
        "school_offering_grade_levels",
        ("offering_id", "gradelevel_id"),
        _lacks_level(
            "(SELECT o.school_class_id FROM school_offering o WHERE o.id = NEW.offering_id)",
            "NEW.gradelevel_id",
        ),
        "grade_levels",
        OTHER_LEVEL,
    )
    yield Rule(
        "offering_keeps_levels",
        "school_offering",
        ("school_class_id",),
        "EXISTS (SELECT 1 FROM school_offering_grade_levels s WHERE s.offering_id = NEW.id"  # noqa: S608
        f" AND {_lacks_level('NEW.school_class_id', 's.gradelevel_id')})",
        "school_class",
        OTHER_LEVEL,
        ("UPDATE",),
    )
    yield Rule(
        "class_keeps_levels_of_subjects",
        "school_schoolclass_grade_levels",
        ("schoolclass_id", "gradelevel_id"),
        "EXISTS (SELECT 1 FROM school_offering o"
        " JOIN school_offering_grade_levels s ON s.offering_id = o.id"
        " WHERE o.school_class_id = OLD.schoolclass_id"
        " AND s.gradelevel_id = OLD.gradelevel_id)",
        "grade_levels",
        LEVEL_OF_SUBJECT,
        ("UPDATE", "DELETE"),
    )


def _lacks_level(class_id: str, level: str) -> str:
    """Return the condition that a class has levels, but not this one."""
    levels = (
        f"FROM school_schoolclass_grade_levels l WHERE l.schoolclass_id = {class_id}"
    )
    return (
        f"({level} NOT IN (SELECT l.gradelevel_id {levels})"  # noqa: S608
        f" AND EXISTS (SELECT 1 {levels}))"
    )

"""Rules that keep concepts and recoveries of terms within what the student's rules have."""

from collections.abc import Iterator

from school.consistency.messages import NO_TERM_RECOVERY, UNKNOWN_CONCEPT
from school.consistency.rule import Rule, Sql


def concept_rules(sql: Sql) -> Iterator[Rule]:
    for name, table in (
        ("grade_concept", "school_grade"),
        ("recovery_concept", "school_recoverygrade"),
    ):
        yield Rule(
            name,
            table,
            ("enrolment_id", "concept"),
            # Most grades are numbers: they end here.
            "NEW.concept <> '' AND EXISTS"  # noqa: S608
            f" (SELECT 1 FROM (SELECT {_content_of('NEW.enrolment_id')} AS content) rules"
            " WHERE rules.content IS NOT NULL"
            f" AND {sql.concepts_lack('rules.content', 'NEW.concept')})",
            "concept",
            UNKNOWN_CONCEPT,
        )


def term_recovery_rules(sql: Sql) -> Iterator[Rule]:
    yield Rule(
        "grade_term_recovery",
        "school_grade",
        ("enrolment_id", "recovery_tenths"),
        "NEW.recovery_tenths IS NOT NULL AND EXISTS"  # noqa: S608
        f" (SELECT 1 FROM (SELECT {_content_of('NEW.enrolment_id')} AS content) rules"
        " WHERE rules.content IS NOT NULL"
        f" AND {sql.lacks_term_recovery('rules.content')})",
        "recovery_tenths",
        NO_TERM_RECOVERY,
    )


def _content_of(enrolment: str) -> str:
    """Return the SQL of the rules of an enrolment's year and level; NULL without rules."""

    def content(level: str) -> str:
        return (
            "(SELECT v.content FROM school_yearrules r"  # noqa: S608
            " JOIN school_ruleversion v ON v.id = r.version_id"
            f" WHERE r.school_year_id = c.school_year_id AND r.grade_level_id {level})"
        )

    return (
        f"(SELECT COALESCE({content('= e.grade_level_id')}, {content('IS NULL')})"  # noqa: S608
        " FROM school_enrolment e JOIN school_schoolclass c ON c.id = e.school_class_id"
        f" WHERE e.id = {enrolment})"
    )

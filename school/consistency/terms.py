"""Rules that keep grades and lessons in terms that their school year has."""

from collections.abc import Iterator

from school.consistency.messages import TERM_IN_USE, UNKNOWN_TERM
from school.consistency.rule import Rule, Sql

_YEAR_OF_OFFERING = (
    "(SELECT c.school_year_id FROM school_offering o"
    " JOIN school_schoolclass c ON c.id = o.school_class_id WHERE o.id = NEW.offering_id)"
)


def term_rules(sql: Sql) -> Iterator[Rule]:
    yield Rule(
        "grade_term",
        "school_grade",
        ("offering_id", "term"),
        _unknown_term(_YEAR_OF_OFFERING, "NEW.term", sql),
        "term",
        UNKNOWN_TERM,
    )
    yield Rule(
        "exemption_term",
        "school_exemption",
        ("offering_id", "term"),
        f"NEW.term IS NOT NULL AND {_unknown_term(_YEAR_OF_OFFERING, 'NEW.term', sql)}",
        "term",
        UNKNOWN_TERM,
    )
    yield Rule(
        "session_term",
        "school_classsession",
        ("school_class_id", "term"),
        _unknown_term(
            "(SELECT school_year_id FROM school_schoolclass WHERE id = NEW.school_class_id)",
            "NEW.term",
            sql,
        ),
        "term",
        UNKNOWN_TERM,
    )
    yield Rule(
        "year_keeps_used_terms",
        "school_term",
        ("school_year_id", "number"),
        "(EXISTS (SELECT 1 FROM school_schoolclass c"  # noqa: S608
        " JOIN school_classsession d ON d.school_class_id = c.id"
        " WHERE c.school_year_id = OLD.school_year_id AND d.term = OLD.number)"
        " OR EXISTS (SELECT 1 FROM school_schoolclass c"
        " JOIN school_offering o ON o.school_class_id = c.id"
        " JOIN school_grade g ON g.offering_id = o.id"
        " WHERE c.school_year_id = OLD.school_year_id AND g.term = OLD.number))"
        " AND NOT EXISTS (SELECT 1 FROM school_yearrules r"
        " JOIN school_ruleversion v ON v.id = r.version_id"
        " WHERE r.school_year_id = OLD.school_year_id"
        f" AND {sql.terms_of('v.content')} >= OLD.number)",
        "number",
        TERM_IN_USE,
        ("UPDATE", "DELETE"),
    )


def _unknown_term(year: str, term: str, sql: Sql) -> str:
    """Return the condition of a term that neither the calendar nor the rules have.

    A year of which neither is recorded yet has every term.
    """
    return (
        f"(NOT EXISTS (SELECT 1 FROM school_term t WHERE t.school_year_id = {year}"  # noqa: S608
        f" AND t.number = {term})"
        " AND NOT EXISTS (SELECT 1 FROM school_yearrules r"
        " JOIN school_ruleversion v ON v.id = r.version_id"
        f" WHERE r.school_year_id = {year} AND {sql.terms_of('v.content')} >= {term})"
        f" AND (EXISTS (SELECT 1 FROM school_term t WHERE t.school_year_id = {year})"
        f" OR EXISTS (SELECT 1 FROM school_yearrules r WHERE r.school_year_id = {year})))"
    )

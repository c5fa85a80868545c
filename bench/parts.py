"""Partial statements that break down the queries that miss their goals."""

from bench.runs import Runs, median

GROUPED = "SELECT offering_id, term, {} FROM school_grade GROUP BY offering_id, term"
PARTS = {
    "grades: count of rows": GROUPED.format("COUNT(*)"),
    "grades: one sum": GROUPED.format("SUM(tenths)"),
    "rates: absences": """
        SELECT enrolment_id, COUNT(*) FROM school_absence GROUP BY enrolment_id
    """,
    "rates: days of classes": """
        SELECT school_class_id, COUNT(*), MIN(date) FROM school_classsession
        GROUP BY school_class_id
    """,
    "rates: days of partial-year enrolments": """
        SELECT enrolment.id, (
            SELECT COUNT(*) FROM school_classsession AS session
            WHERE session.school_class_id = enrolment.school_class_id
                AND session.date >= enrolment.entry_date
                AND (enrolment.exit_date IS NULL OR session.date < enrolment.exit_date)
        )
        FROM school_enrolment AS enrolment
        WHERE enrolment.exit_date IS NOT NULL OR enrolment.entry_date > (
            SELECT MIN(date) FROM school_classsession
        )
    """,
}
"""Partial statements by name; the prefix names the whole query."""
WHOLES = {"grades": "classes", "rates": "rates"}
NOTES = {
    "sqlite": """\
“Count of rows” by offering and term needs only the index; “one sum” also reads each grade's tenths from
the table, and the rest of the time is for the other aggregates. An index on offering, term, enrolment and tenths
avoids reading the table: tried by hand, it reduced the classes from 3.24 s to 1.49 s of CPU time, 0.35 to 0.39 of
the naive time, which reaches the goal. It was not added, because it would take 75 MB beside the 203 MB of the grades and their indexes, double the
database's time for changing a grade (1.04 µs instead of 0.55), and help the report itself, which checks the visibility of each
enrolment, only if the report also named the offerings (2.57 s instead of 4.82). The other factor is the order in which grades were
written: here class by class and student by student, as imports from other systems bring them. Copied into
the order of teachers, one subject and term at a time, the classes took 0.52 of the naive time instead of 0.68, interleaved on a busy machine,
and 0.42 with the first term of all classes before any second term.""",
    "postgresql": """\
The rates count 1.7 million absences in one process, because the planner estimates that passing a group per student between
processes costs too much; it counts the naive schema's 20 million rows in three processes, which uses the second processor
fully. The absences are hashed; sorted by their index (`enable_hashagg = off`) the rates took 0.58 s instead of 0.67 s, interleaved, and a count
per enrolment 0.77 s.""",
}
"""Notes on alternatives tried by hand on 2026-11-26."""


def breakdown_table(database: str, runs: Runs) -> str:
    """Return the table of the partial statements, followed by the notes."""
    lines = ["| part | seconds | of the whole |", "|---|---|---|"]
    for name in PARTS:
        whole = WHOLES[name.partition(":")[0]]
        share = median(runs[name]) / median(runs[whole])
        lines.append(f"| {name} | {median(runs[name]):.3f} | {100 * share:.0f} % |")
    return "\n".join([*lines, "", NOTES[database]])

"""Partial statements that break down the queries that miss their goals."""

from bench.runs import Runs, median, ratio

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
the table, and the rest of the time is for the other five aggregates. The goal compares the classes with “one sum”, the least
that a query which reads every grade takes, and leaves an eighth of it to each other aggregate. The goal before, 0.4 of the naive time, came from a trial in which the
grades had no id and were stored by offering and term. Only an index on offering, term, enrolment and tenths reaches it here: the
classes take 0.84 s of CPU time with it instead of 1.54 s, 0.35 of the naive time instead of 0.64. It was not added. It takes
75 MB beside the 211 MB of the grades and their indexes, and changing a grade, with its history, takes 22 µs instead
of 12; but a user of SQLite, who has one school, waits 4 ms instead of 8 ms for its classes, and the report of the whole
network, which checks the visibility of each enrolment, takes 2.12 s with and without it. The other factor is the order in which
grades were written: here class by class and student by student, as imports from other systems bring them. Copied into
the order of teachers, one subject and term at a time, the classes took 0.52 of the naive time instead of 0.68, interleaved on a busy machine,
and 0.42 with the first term of all classes before any second term.""",
    "postgresql": """\
The goal of the rates compares CPU time, the server's included. The seconds depend on how many processors are idle: the planner
counts the naive schema's 20 million rows in three processes, and ours in one, because 1.7 million absences are not worth passing
a group per student between processes. On two idle processors the rates took 0.27 to 0.34 of the naive seconds, and 0.20 of the CPU time,
which is what a server with other work has to give. Nothing of the query is left to gain for a user: the report
`attendance_summary` of the network takes 20 s, these rates under a second of it. The absences are hashed; sorted by their index
(`enable_hashagg = off`) the rates took 0.58 s instead of 0.67 s, interleaved, and a count per enrolment 0.77 s. A
narrower row needs smaller keys than Django's: the columns in another order take the same 56 bytes.""",
}
"""Notes on alternatives tried by hand on 2026-11-26 and 2026-11-30."""


def breakdown_table(database: str, runs: Runs) -> str:
    """Return the table of the partial statements, followed by the notes."""
    lines = [
        "| part | seconds | CPU seconds | of the whole CPU time |",
        "|---|---|---|---|",
    ]
    for name in PARTS:
        whole = WHOLES[name.partition(":")[0]]
        share = ratio(runs[name], runs[whole], "cpu_seconds")
        cpu_seconds = median(runs[name], "cpu_seconds")
        lines.append(
            f"| {name} | {median(runs[name]):.3f} | {cpu_seconds:.3f} | {100 * share:.0f} % |"
        )
    return "\n".join([*lines, "", NOTES[database]])

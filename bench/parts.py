"""Parts of the statements that miss their goals: what the whole of each spends its time on."""

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
    "rates: days of who was not there all year": """
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
"""By name; each is a part of what it is called after."""
WHOLES = {"grades": "classes", "rates": "rates"}
NOTES = {
    "sqlite": """\
“Count of rows” is what the index tells alone, by offering and term; “one sum” looks up each grade's tenths in
the table besides, and the rest are the other aggregates. An index of offering, term, enrolment and tenths
spares the looking up: tried by hand, it took the classes from 3.24 s to 1.49 s of the processor, 0.35 to 0.39 of
the naive time, which reaches the goal. It is not there, for it would be 75 MB beside the 203 MB of the grades and their indexes, a change of a grade would cost the
database twice as long (1.04 µs for 0.55), and the report itself, which asks whether each enrolment may
be seen, would only win if it named the offerings, too (2.57 s for 4.82). What else decides is the order in which grades were
written: here a class at a time and its students one after the other, as files of other systems bring them. Copied into
the order of teachers, a subject's term at a time, the classes took 0.52 of the naive time for 0.68 in turns with it on a busy machine,
and 0.42 with all classes' first term before any second.""",
    "postgresql": """\
The rates count 1.7 million absences in one process, for the planner thinks handing over a group for each student
too dear; the naive schema's 20 million rows it counts in three, which gains all that a second processor
can give. The absences are hashed; sorted by their index (`enable_hashagg = off`) the rates took 0.58 s for 0.67 s in turns with it, and a count
for each enrolment 0.77 s.""",
}
"""What was tried by hand beside what is measured, on 2026-11-26."""


def breakdown_table(database: str, runs: Runs) -> str:
    """The table of the parts, and how to read it."""
    lines = ["| part | seconds | of the whole |", "|---|---|---|"]
    for name in PARTS:
        whole = WHOLES[name.partition(":")[0]]
        share = median(runs[name]) / median(runs[whole])
        lines.append(f"| {name} | {median(runs[name]):.3f} | {100 * share:.0f} % |")
    return "\n".join([*lines, "", NOTES[database]])

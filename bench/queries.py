"""Aggregation queries against the same SQL through the driver, and against a naive schema.

    python -m bench.queries [--students 100000] [--rounds 5]

Each variant runs in its own process, connected before the clock starts. Variants with
different figures are not compared.
"""

import hashlib
import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from bench import network
from bench.options import Options, read_options
from bench.parts import PARTS, breakdown_table
from bench.results import save_section
from bench.runs import (
    Run,
    Runs,
    Variant,
    check_same,
    describe_conditions,
    ratio,
    run_interleaved,
    table,
)
from bench.server_time import ServerVariant
from bench.timing import Work

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from school.models import Grade

QUERY = """
    SELECT offering_id, term, COUNT(tenths), SUM(tenths), SUM(tenths * tenths),
        MIN(tenths), MAX(tenths), COUNT(tenths) FILTER (WHERE tenths >= 60),
        COUNT(tenths)
    FROM school_grade
    {where}
    GROUP BY offering_id, term
    ORDER BY offering_id, term
"""
BARE = QUERY.format(where="")
CLASSES = f"""
    SELECT offering.school_class_id, offering.subject_id, stats.*
    FROM ({BARE}) AS stats JOIN school_offering AS offering ON offering.id = offering_id
"""
NAIVE = """
    SELECT {key}, term, COUNT(value), SUM(value), SUM(value * value),
        MIN(value), MAX(value), COUNT(value) FILTER (WHERE value >= 6.0),
        COUNT(value)
    FROM naive_grade {join}
    GROUP BY {key}, term
"""
NAIVE_CLASSES = NAIVE.format(
    key="school_class_id, subject_id, offering_id",
    join="JOIN school_offering AS offering ON offering.id = offering_id",
)
"""Naive query by class and subject."""
NAIVE_BARE = NAIVE.format(key="offering_id", join="")
"""Naive query by offering, which stands for class and subject."""
SCALES = (1, 10, 100, 10, 10, 1, 1)
"""Factors that turn the last columns of `NAIVE` into integers: tenths, squares hundredths."""
RATES = """
    WITH given AS (
        SELECT school_class_id, COUNT(*) AS days, MIN(date) AS first
        FROM school_classsession GROUP BY school_class_id
    ), missed AS (
        SELECT enrolment_id, COUNT(*) AS days FROM school_absence GROUP BY enrolment_id
    )
    SELECT enrolment.id,
        CASE WHEN enrolment.exit_date IS NULL AND enrolment.entry_date <= given.first
        THEN given.days ELSE (
            SELECT COUNT(*) FROM school_classsession AS session
            WHERE session.school_class_id = enrolment.school_class_id
                AND session.date >= enrolment.entry_date
                AND (enrolment.exit_date IS NULL OR session.date < enrolment.exit_date)
        ) END,
        COALESCE(missed.days, 0)
    FROM school_enrolment AS enrolment
    JOIN given ON given.school_class_id = enrolment.school_class_id
    LEFT JOIN missed ON missed.enrolment_id = enrolment.id
"""
"""Days of lessons and of absence of each enrolment; most enrolments last the whole year."""
NAIVE_RATES = """
    SELECT enrolment_id, COUNT(*), COUNT(*) FILTER (WHERE status <> 'P')
    FROM naive_attendance
    GROUP BY enrolment_id
"""
STATEMENTS = {
    "bare SQL": BARE,
    "classes": CLASSES,
    "naive classes": NAIVE_CLASSES,
    "naive bare": NAIVE_BARE,
    "rates": RATES,
    "naive rates": NAIVE_RATES,
    **PARTS,
}
SECONDS, CPU_SECONDS = "seconds", "cpu_seconds"
_QUERY = ("ORM", "same SQL", SECONDS)
GOALS = {
    "postgresql": {
        "query": _QUERY,
        "class": ("classes", "naive classes", SECONDS),
        "attendance": ("rates", "naive rates", CPU_SECONDS),
    },
    "sqlite": {
        "query": _QUERY,
        "class": ("classes", "grades: one sum", CPU_SECONDS),
        "attendance": ("rates", "naive rates", SECONDS),
    },
}
"""Ours, the peer and the compared time of each goal; `bench.parts` explains the CPU times."""
DESCRIPTION = """\
Seconds from the statement until its rows are in Python. The CPU time is that of the
measured process and of PostgreSQL's processes for it, from connecting to disconnecting.

- “ORM” is the query of the kind `class_performance`, for a user who sees every class: it starts
  from the enrolments that the viewer may see. “Same SQL” is that statement through the driver;
  “bare SQL” is a statement by hand without access control.
- “Classes” are the same figures with class and subject, “naive classes” those of NUMERIC grades
  (`bench/naive.py`) by class and subject. “Naive bare” groups by offering.
- “Rates” are each enrolment's days of lessons and of absence, from absences alone or from a
  row per student and day.
"""


def query_by_hand(url: str, statement: str, sql: str = "") -> Work:
    """Prepare a statement through the driver, with the page cache of our own connections.

    `sql` is the path of a file with the statement, for one that is not in `STATEMENTS`.
    """
    connection: Any
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute("PRAGMA cache_size = -32000")
    else:
        connection = psycopg.connect(url)
    cursor = connection.cursor()
    text = Path(sql).read_text() if sql else STATEMENTS[statement]

    def work() -> Any:
        rows = cursor.execute(text).fetchall()
        if statement in PARTS:
            return None
        if statement in ("naive classes", "naive bare"):
            return lambda: _digest(map(_as_integers, rows))
        return lambda: _digest(rows)

    return work


def query_by_orm() -> Work:
    import django  # imported late: slow, and needed in the measured process only

    django.setup()
    from django.db import connection

    from school.db.streaming import stream_values

    query = _aggregated_query()  # runs a few queries itself, for the grading rules
    connection.ensure_connection()

    def work() -> Any:
        rows = list(stream_values(query))
        return lambda: _digest(rows)

    return work


def write_statement(path: str) -> Work:
    """Write the SQL of the ORM to a file, for the variants without Django."""
    import django  # imported late: slow, and needed in the measured process only

    django.setup()
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def work() -> None:
        query = _aggregated_query()
        with CaptureQueriesContext(connection) as queries:
            list(query)
        Path(path).write_text(queries[-1]["sql"])

    return work


def _aggregated_query() -> "QuerySet[Grade, tuple[int, ...]]":
    from school.access import visible_enrolments
    from school.models import User
    from tasks.reports.class_performance import ClassPerformance, Parameters

    viewer = User.objects.get(username="admin")
    return ClassPerformance(Parameters(), visible_enrolments(viewer)).aggregate_query


def _as_integers(row: Sequence[Any]) -> list[int]:
    """Convert decimals to whole tenths and hundredths, whatever the driver's type."""
    keys = [1] * (len(row) - len(SCALES))
    scales = [*keys, *SCALES]
    return [round(cell * scale) for cell, scale in zip(row, scales, strict=True)]


def _digest(rows: Iterable[Sequence[Any]]) -> str:
    sorted_rows = sorted(tuple(map(int, row)) for row in rows)
    return hashlib.sha256(json.dumps(sorted_rows).encode()).hexdigest()


def variants(database: str, url: str, folder: str) -> Mapping[str, Callable[[], Run]]:
    environment = network.environment(url)
    sql = f"{folder}/{database}.sql"
    Variant("bench.queries:write_statement", {"path": sql}, environment=environment)()
    manual_variants = {
        name: Variant("bench.queries:query_by_hand", {"url": url, "statement": name})
        for name in STATEMENTS
    }
    same_arguments = {"url": url, "statement": "same", "sql": sql}
    variants_by_name = {
        "ORM": Variant("bench.queries:query_by_orm", {}, environment=environment),
        "same SQL": Variant("bench.queries:query_by_hand", same_arguments),
        **manual_variants,
    }
    if database == "sqlite":
        return variants_by_name
    return {name: ServerVariant(variant) for name, variant in variants_by_name.items()}


def goal_values(runs: Mapping[str, Runs]) -> dict[str, float]:
    values = {}
    for database, database_runs in runs.items():
        check_same(database_runs, "ORM", "same SQL", "bare SQL", "naive bare")
        check_same(database_runs, "classes", "naive classes")
        check_same(database_runs, "rates", "naive rates")
        for goal, (ours, theirs, time) in GOALS[database].items():
            values[f"{goal}-{database}"] = ratio(
                database_runs[ours], database_runs[theirs], time
            )
    return values


def tables(runs: Runs) -> list[str]:
    groups = (
        (["ORM", "same SQL", "bare SQL"], "same SQL"),
        (["classes", "naive classes", "bare SQL", "naive bare"], "naive classes"),
        (["rates", "naive rates"], "naive rates"),
    )
    return [table({name: runs[name] for name in names}, peer) for names, peer in groups]


def main(options: Options) -> None:
    with (
        network.datasets(options.students) as urls,
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
    ):
        runs = {
            database: run_interleaved(variants(database, url, folder), options.rounds)
            for database, url in urls.items()
        }
    parts = [DESCRIPTION, describe_conditions(options)]
    for database, database_runs in runs.items():
        breakdown = breakdown_table(database, database_runs)
        parts += [f"### {database}", *tables(database_runs), breakdown]
    save_section("bench.queries", "\n\n".join(parts), goal_values(runs), options)


if __name__ == "__main__":
    main(read_options(__doc__))

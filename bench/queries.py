"""Aggregation: our query against the same SQL by hand, our schema against a naive one.

    python -m bench.queries [--students 100000] [--rounds 5]

Every way is a process of its own, connected before the clock starts, and gives the same
figures, or nothing is compared.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg

from bench import network
from bench.options import Options, read_options
from bench.results import keep
from bench.runs import Runs, Way, check_same, circumstances, interleaved, ratio, table
from bench.timing import Work

QUERY = """
    SELECT offering_id, term, COUNT(tenths), SUM(tenths), SUM(tenths * tenths),
        MIN(tenths), MAX(tenths), COUNT(tenths) FILTER (WHERE tenths >= 60),
        COUNT(tenths)
    FROM school_grade
    {where}
    GROUP BY offering_id, term
    ORDER BY offering_id, term
"""
SAME = QUERY.format(
    where="WHERE enrolment_id IN (SELECT enrolment.id FROM school_enrolment AS enrolment)"
)
"""What ours comes to, for somebody who sees everything."""
BARE = QUERY.format(where="")
NAIVE_CLASSES = """
    SELECT offering_id, term, COUNT(value), SUM(value), SUM(value * value),
        MIN(value), MAX(value), COUNT(value) FILTER (WHERE value >= 6.0),
        COUNT(value)
    FROM naive_grade
    GROUP BY offering_id, term
    ORDER BY offering_id, term
"""
TENTHS = (3, 5, 6)
"""Columns of `NAIVE_CLASSES` that are grades; the one between is of squares."""
RATES = """
    WITH stays AS (
        SELECT DISTINCT school_class_id, entry_date, exit_date FROM school_enrolment
    ), given AS (
        SELECT stays.school_class_id, stays.entry_date, stays.exit_date,
            COUNT(session.id) AS days
        FROM stays LEFT JOIN school_classsession AS session
            ON session.school_class_id = stays.school_class_id
            AND session.date >= stays.entry_date
            AND (stays.exit_date IS NULL OR session.date < stays.exit_date)
        GROUP BY stays.school_class_id, stays.entry_date, stays.exit_date
    ), missed AS (
        SELECT enrolment_id, COUNT(*) AS days FROM school_absence GROUP BY enrolment_id
    )
    SELECT enrolment.id, given.days, COALESCE(missed.days, 0)
    FROM school_enrolment AS enrolment
    JOIN given ON given.school_class_id = enrolment.school_class_id
        AND given.entry_date = enrolment.entry_date
        AND COALESCE(given.exit_date, '9999-12-31')
            = COALESCE(enrolment.exit_date, '9999-12-31')
    LEFT JOIN missed ON missed.enrolment_id = enrolment.id
"""
"""Days of lessons and of absence of each enrolment; most of a class were there all year."""
NAIVE_RATES = """
    SELECT enrolment_id, COUNT(*), COUNT(*) FILTER (WHERE status <> 'P')
    FROM naive_attendance
    GROUP BY enrolment_id
"""
STATEMENTS = {
    "same": SAME, "bare": BARE, "naive classes": NAIVE_CLASSES,
    "rates": RATES, "naive rates": NAIVE_RATES,
}  # fmt: skip
WANTED = """\
Seconds from the statement until its rows are in Python. The processor time is of the
measured process alone, without PostgreSQL's own.

“ORM” is the query of the kind `class_performance`, for somebody who sees every class: it begins
at the enrolments that its viewer may see. “Same SQL” is that statement by the driver;
“bare SQL” is what somebody would write who asks nobody's leave. “Naive” is `bench/naive.py`.
"""


def by_hand(url: str, statement: str) -> Work:
    """The statement through the driver, with the page cache that our own connections have."""
    connection: Any
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute("PRAGMA cache_size = -32000")
    else:
        connection = psycopg.connect(url)
    cursor = connection.cursor()
    sql = STATEMENTS[statement]

    def work() -> Any:
        rows = cursor.execute(sql).fetchall()
        if statement == "naive classes":
            return lambda: _digest(map(_whole, rows))
        return lambda: _digest(rows)

    return work


def by_orm() -> Work:
    import django  # slow import, of the measured process alone

    django.setup()
    from django.db import connection

    from school.access import visible_enrolments
    from school.models import User
    from tasks.reports.class_performance import ClassPerformance, Parameters

    viewer = User.objects.get(username="admin")
    report = ClassPerformance(Parameters(), visible_enrolments(viewer))
    _ = report._pass_mark  # its queries are of the rules, and few
    connection.ensure_connection()

    def work() -> Any:
        rows = report._groups
        return lambda: _digest(rows)

    return work


def _whole(row: Sequence[Any]) -> list[int]:
    """Decimals as whole tenths and hundredths, whichever way the driver gives them."""
    scales = {**dict.fromkeys(TENTHS, 10), 4: 100}
    return [round(cell * scales.get(place, 1)) for place, cell in enumerate(row)]


def _digest(rows: Iterable[Sequence[Any]]) -> str:
    listed = sorted(tuple(map(int, row)) for row in rows)
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def ways(url: str) -> dict[str, Way]:
    environment = network.environment(url)
    return {
        "ORM": Way("bench.queries:by_orm", {}, environment=environment),
        **{
            name: Way("bench.queries:by_hand", {"url": url, "statement": statement})
            for name, statement in (
                ("same SQL", "same"),
                ("bare SQL", "bare"),
                ("naive", "naive classes"),
                ("rates", "rates"),
                ("naive rates", "naive rates"),
            )  # fmt: skip
        },
    }


def measured(runs: Mapping[str, Runs]) -> dict[str, float]:
    found = {}
    for database, of_database in runs.items():
        check_same(of_database, "ORM", "same SQL", "bare SQL", "naive")
        check_same(of_database, "rates", "naive rates")
        for goal, ours, theirs in (
            ("query", "ORM", "same SQL"), ("class", "bare SQL", "naive"),
            ("attendance", "rates", "naive rates"),
        ):  # fmt: skip
            found[f"{goal}-{database}"] = ratio(of_database[ours], of_database[theirs])
    return found


def main(options: Options) -> None:
    with network.networks(options.students) as urls:
        runs = {
            database: interleaved(ways(url), options.rounds)
            for database, url in urls.items()
        }
    parts = [WANTED, circumstances(options)]
    for database, of_database in runs.items():
        rates = ("rates", "naive rates")
        classes = {n: of_way for n, of_way in of_database.items() if n not in rates}
        parts.append(f"Class statistics, {database}:\n\n{table(classes, 'same SQL')}")
        attendance = {name: of_database[name] for name in rates}
        parts.append(f"Attendance, {database}:\n\n{table(attendance, 'naive rates')}")
    keep("bench.queries", "\n\n".join(parts), measured(runs), options)


if __name__ == "__main__":
    main(read_options(__doc__))

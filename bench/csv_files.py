"""CSV of all grades: ours against plain COPY, the `sqlite3` shell, and Django as it is used.

python -m bench.csv_files [--students 100000] [--rounds 5]
"""

import csv
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from bench import network
from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import (
    Runs,
    Variant,
    check_same,
    describe_conditions,
    median,
    ratio,
    run_interleaved,
    table,
)
from bench.timing import Work

BLOCK_BYTES = 1024 * 1024
EXPLAIN = "EXPLAIN "
"""Before a statement: it is put together, and not done."""
OURS, COPY, SHELL, DJANGO = "ours", "plain COPY", "sqlite3 shell", "Django iterator"
SERVER_ALONE, QUESTIONS = "server alone", "questions"
DESCRIPTION = """\
All grades of the network as the kind `data_export` gives them: eleven columns out of seven tables, in the order
of the enrolments. Seconds are from the statement to the closed file. “Ours” is the format `csv` writing
the report's table, with its count of rows and its look for formulas; “whole report” is all that the worker
does, with the flush to the disk and the digest. The others run the same statement without looking at a cell: plain COPY by psycopg into a
file with a buffer of 1 MB; the `sqlite3` shell in its mode `csv`; Django's
`values_list().iterator()` into `csv.writer`. All files are compared, but for the header, quotes and the ends of lines.
The processor time is of the measured process alone, without PostgreSQL's own. “Server alone” is COPY of the
statement into the server's own /dev/null; “questions” are what ours asks before: how many rows, and in
which columns a text may be taken for a formula or is empty.
"""
BREAKDOWN = """\
Ours alone are questions of {asked:.1f} s, and {client:.1f} s of the processor for plain COPY's {copy:.1f} s, on another
core than the server's. The server takes {server:.1f} s for the statement with nobody reading; a fifth of Django's
time would be {fifth:.1f} s. Of the server's time `perf` finds 11 % in expressions, 13 % in writing CSV, and the rest spread
over joins and sorting. An index of enrolment and id, 126 MB for the 29 MB of today's, spares the sorting
and saved up to a quarter; a parallel plan hands each wide row from process to process, and was no faster.
"""


def ours(path: str) -> Work:
    report = _report()
    from tasks.formats.csv import Csv

    def work() -> Any:
        with open(path, "wb", buffering=BLOCK_BYTES) as file:
            Csv().write_table(report.table(), file)
        return lambda: _digest(path, has_header=True)

    return work


def write_statement(path: str) -> Work:
    """Write the statement that gives the rows into a file, for those who know no Django."""
    report = _report()
    from django.db import connections
    from django.test.utils import CaptureQueriesContext

    query_source = report.query_source()
    sql, parameters = query_source.compile_sql(
        *(pick.cell for pick in query_source.fields)
    )
    connection = connections[query_source.records.db]

    def work() -> None:
        with (
            CaptureQueriesContext(connection) as queries,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"{EXPLAIN}{sql}", parameters)
        Path(path).write_text(queries[-1]["sql"].removeprefix(EXPLAIN))

    return work


def ask_questions() -> Work:
    report = _report()
    from tasks.rendering.database_csv import _probe_columns

    def work() -> None:
        _probe_columns(report.query_source(), quoting_pattern="^$")

    return work


def copy_to_devnull(url: str, sql: str) -> Work:
    connection = psycopg.connect(url)
    statement = f"COPY ({Path(sql).read_text()}) TO '/dev/null' (FORMAT csv)"

    def work() -> None:
        connection.execute(statement.encode())

    return work


def by_copy(url: str, sql: str, path: str) -> Work:
    connection = psycopg.connect(url)
    statement = f"COPY ({Path(sql).read_text()}) TO STDOUT (FORMAT csv)"

    def work() -> Any:
        with (
            open(path, "wb", buffering=BLOCK_BYTES) as file,
            connection.cursor().copy(statement.encode()) as copy,
        ):
            for row in copy:
                file.write(row)
        return lambda: _digest(path)

    return work


def by_shell(url: str, sql: str, path: str) -> Work:
    database = url.removeprefix("sqlite:///")
    statement = Path(sql).read_text()

    def work() -> Any:
        with open(path, "wb") as file:
            command = ["sqlite3", "-readonly", "-csv", database, statement]
            subprocess.run(command, stdout=file, check=True)
        return lambda: _digest(path)

    return work


def by_django(path: str) -> Work:
    query_source = _report().source()
    from django.db.models import ExpressionWrapper, TextField

    # The decimals as the texts that the database gives, without our own converter.
    cells = [
        ExpressionWrapper(pick.cell, TextField())
        if pick.column.type == "decimal"
        else pick.cell
        for pick in query_source.fields
    ]

    def work() -> Any:
        with open(path, "w", newline="") as file:
            rows = query_source.records.values_list(*cells).iterator()
            csv.writer(file).writerows(rows)
        return lambda: _digest(path)

    return work


def _report() -> Any:
    """The export of all grades, within a snapshot that lasts as long as the process."""
    import django  # slow import, of the measured process alone

    django.setup()
    from school.access import visible_enrolments
    from school.db.snapshot import snapshot
    from school.models import User
    from tasks.reports.data_export import DataExport, Parameters

    _open_snapshots.append(snapshot())
    _open_snapshots[-1].__enter__()
    viewer = User.objects.get(username="admin")
    return DataExport(Parameters(table="grades"), visible_enrolments(viewer))


_open_snapshots: list[Any] = []


def _digest(path: str, *, has_header: bool = False) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        if has_header:
            file.readline()
        while lines := file.readlines(BLOCK_BYTES):
            # The shell quotes each text that is not plain ASCII.
            block = b"".join(lines).replace(b"\r\n", b"\n").replace(b'"', b"")
            digest.update(block)
    return digest.hexdigest()


def variants(database: str, url: str, folder: Path) -> dict[str, Variant]:
    environment = network.environment(url)
    path = {"path": str(folder / "a.csv")}
    sql = str(folder / f"{database}.sql")
    Variant("bench.csv_files:write_statement", {"path": sql}, environment=environment)()
    export = {"kind": "data_export", "parameters": {"table": "grades"}, "format": "csv"}
    peer = {"url": url, "sql": sql, **path}
    variants_by_name = {
        OURS: Variant("bench.csv_files:ours", path, environment=environment),
        "whole report": Variant(
            "bench.engine:prepare_report",
            {**export, "folder": str(folder)},
            environment=environment,
        ),
        DJANGO: Variant("bench.csv_files:by_django", path, environment=environment),
    }
    if database == "postgresql":
        variants_by_name[COPY] = Variant("bench.csv_files:by_copy", peer)
        variants_by_name[SERVER_ALONE] = Variant(
            "bench.csv_files:copy_to_devnull", {"url": url, "sql": sql}
        )
        variants_by_name[QUESTIONS] = Variant(
            "bench.csv_files:ask_questions", {}, environment=environment
        )
    elif shutil.which("sqlite3"):
        variants_by_name[SHELL] = Variant("bench.csv_files:by_shell", peer)
    return variants_by_name


def goal_values(runs: Mapping[str, Runs]) -> dict[str, float]:
    goals = (
        ("csv-copy", "postgresql", COPY),
        ("csv-django", "postgresql", DJANGO),
        ("csv-sqlite", "sqlite", SHELL),
    )
    values = {}
    for goal, database, peer in goals:
        if peer in runs[database]:
            check_same(runs[database], OURS, peer)
            values[goal] = ratio(runs[database][OURS], runs[database][peer])
    return values


def describe_breakdown(runs: Runs) -> str:
    """Where the seconds go on PostgreSQL, and what the goals leave."""
    return BREAKDOWN.format(
        asked=median(runs[QUESTIONS]),
        client=median(runs[OURS], "cpu_seconds"),
        copy=median(runs[COPY], "cpu_seconds"),
        server=median(runs[SERVER_ALONE]),
        fifth=median(runs[DJANGO]) / 5,
    )


def main(options: Options) -> None:
    runs: dict[str, Runs] = {}
    with (
        network.datasets(options.students) as urls,
        tempfile.TemporaryDirectory(prefix="bench-", dir=network.DATA) as folder,
    ):
        for database, url in urls.items():
            own_variants = variants(database, url, Path(folder))
            runs[database] = run_interleaved(own_variants, options.rounds)
    parts = [DESCRIPTION, describe_conditions(options)]
    for database, database_runs in runs.items():
        peer = COPY if database == "postgresql" else SHELL
        baseline = peer if peer in database_runs else DJANGO
        parts += [f"### {database}", table(database_runs, baseline)]
        if SERVER_ALONE in database_runs:
            parts.append(describe_breakdown(database_runs))
    if SHELL not in runs["sqlite"]:
        parts.append("The `sqlite3` shell was not measured: it is not installed.")
    save_section("bench.csv_files", "\n\n".join(parts), goal_values(runs), options)


if __name__ == "__main__":
    main(read_options(__doc__))

"""CSV of all grades against plain COPY, the `sqlite3` shell and Django's `iterator()`.

python -m bench.csv_files [--students 100000] [--rounds 5]
"""

import csv
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from tasks.reports.data_export import DataExport

BLOCK_BYTES = 1024 * 1024
EXPLAIN = "EXPLAIN "
"""Prefix with which the statement is compiled but not executed."""
OURS, COPY, SHELL, DJANGO = "ours", "plain COPY", "sqlite3 shell", "Django iterator"
SERVER_ALONE, BARE_COPY = "server alone", "bare COPY"
PRELIMINARY_QUERIES = "preliminary queries"
DESCRIPTION = """\
All grades of the network as exported by the kind `data_export`: eleven columns from seven tables, in the order
of the enrolments. Seconds are from the statement to the closed file. “Ours” is the format `csv` writing
the report's table, including the row count and the search for formulas; “whole report” is the worker's whole
job, including fsync and the digest. The others run the same statement without inspecting cells: plain COPY by psycopg into a
file with a buffer of 1 MB; the `sqlite3` shell in its mode `csv`; Django's
`values_list().iterator()` into `csv.writer`. All files are compared, ignoring the header, quotes and line endings.
The CPU time is that of the measured process alone, without PostgreSQL's. “Server alone” is COPY of the
statement into /dev/null on the server, “bare COPY” the same to a client that throws the rows away; the “preliminary queries” are ours: the number of rows, and the
columns with texts that are empty or could be read as formulas.
"""
BREAKDOWN = """\
Only ours spends {asked:.1f} s on preliminary queries; its client takes {client:.1f} s of CPU time, plain COPY's {copy:.1f} s, on
another core than the server's. The server takes {server:.1f} s for the statement without a client, {share:.2f} of
Django's time, and {bare:.1f} s with one that throws the rows away, {bare_share:.2f} of it: no client of this server reaches a
fifth of Django's time, which was the goal. It was replaced by a multiple of the server's own time, which is what is left to
gain; ours is {ours_share:.2f} of Django's time. According to `perf`, the server spends 11 % of its time in expressions, 13 % in writing CSV, and the rest
in joins and sorting. An index on enrolment and id (126 MB instead of the current index's 29 MB) avoids the sort
and saved up to a quarter; a parallel plan copies each wide row between processes and was no faster.
"""


def ours(path: str) -> Work:
    report = _report()
    from tasks.formats.csv import Csv

    def work() -> Any:
        with open(path, "wb", buffering=BLOCK_BYTES) as file:
            Csv().write_table(report.build_table(), file)
        return lambda: _digest(path, has_header=True)

    return work


def write_statement(path: str) -> Work:
    """Write the SQL of the export to a file, for the variants without Django."""
    report = _report()
    from django.db import connections
    from django.test.utils import CaptureQueriesContext

    query_source = report.query_source()
    sql, parameters = query_source.compile_sql(
        *(field.expression for field in query_source.fields)
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


def run_preliminary_queries() -> Work:
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


def copy_to_nothing(url: str, sql: str) -> Work:
    connection = psycopg.connect(url)
    statement = f"COPY ({Path(sql).read_text()}) TO STDOUT (FORMAT csv)"

    def work() -> None:
        with connection.cursor().copy(statement.encode()) as copy:
            for _row in copy:
                pass

    return work


def write_by_copy(url: str, sql: str, path: str) -> Work:
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


def write_by_shell(url: str, sql: str, path: str) -> Work:
    database = url.removeprefix("sqlite:///")
    statement = Path(sql).read_text()

    def work() -> Any:
        with open(path, "wb") as file:
            command = ["sqlite3", "-readonly", "-csv", database, statement]
            subprocess.run(command, stdout=file, check=True)
        return lambda: _digest(path)

    return work


def write_by_django(path: str) -> Work:
    query_source = _report().query_source()
    from django.db.models import ExpressionWrapper, TextField

    # Decimals stay the text that the database returns, without our converter.
    cells = [
        ExpressionWrapper(field.expression, TextField())
        if field.column.type == "decimal"
        else field.expression
        for field in query_source.fields
    ]

    def work() -> Any:
        with open(path, "w", newline="") as file:
            rows = query_source.records.values_list(*cells).iterator()
            csv.writer(file).writerows(rows)
        return lambda: _digest(path)

    return work


def _report() -> "DataExport":
    """Return the export of all grades, in a snapshot that stays open until the process exits."""
    import django  # imported late: slow, and needed in the measured process only

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
            # The shell quotes every text with non-ASCII characters.
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
        DJANGO: Variant(
            "bench.csv_files:write_by_django", path, environment=environment
        ),
    }
    if database == "postgresql":
        variants_by_name[COPY] = Variant("bench.csv_files:write_by_copy", peer)
        variants_by_name[SERVER_ALONE] = Variant(
            "bench.csv_files:copy_to_devnull", {"url": url, "sql": sql}
        )
        variants_by_name[BARE_COPY] = Variant(
            "bench.csv_files:copy_to_nothing", {"url": url, "sql": sql}
        )
        variants_by_name[PRELIMINARY_QUERIES] = Variant(
            "bench.csv_files:run_preliminary_queries", {}, environment=environment
        )
    elif shutil.which("sqlite3"):
        variants_by_name[SHELL] = Variant("bench.csv_files:write_by_shell", peer)
    return variants_by_name


def goal_values(runs: Mapping[str, Runs]) -> dict[str, float]:
    check_same(runs["postgresql"], OURS, COPY, DJANGO)
    goals = (
        ("csv-copy", "postgresql", COPY),
        ("csv-server", "postgresql", SERVER_ALONE),
        ("csv-sqlite", "sqlite", SHELL),
    )
    if SHELL in runs["sqlite"]:
        check_same(runs["sqlite"], OURS, SHELL)
    return {
        goal: ratio(runs[database][OURS], runs[database][peer])
        for goal, database, peer in goals
        if peer in runs[database]
    }


def describe_breakdown(runs: Runs) -> str:
    """Break down the time on PostgreSQL, with the server's share of it."""
    return BREAKDOWN.format(
        asked=median(runs[PRELIMINARY_QUERIES]),
        client=median(runs[OURS], "cpu_seconds"),
        copy=median(runs[COPY], "cpu_seconds"),
        server=median(runs[SERVER_ALONE]),
        share=ratio(runs[SERVER_ALONE], runs[DJANGO]),
        bare=median(runs[BARE_COPY]),
        bare_share=ratio(runs[BARE_COPY], runs[DJANGO]),
        ours_share=ratio(runs[OURS], runs[DJANGO]),
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

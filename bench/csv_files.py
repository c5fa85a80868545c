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
from bench.results import keep
from bench.runs import (
    Runs,
    Way,
    check_same,
    circumstances,
    interleaved,
    median,
    ratio,
    table,
)
from bench.timing import Work

BLOCK = 1024 * 1024
PLAN = "EXPLAIN "
"""Before a statement: it is put together, and not done."""
OURS, COPY, SHELL, DJANGO = "ours", "plain COPY", "sqlite3 shell", "Django iterator"
NOWHERE, ASKED = "server alone", "questions"
WANTED = """\
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
FLOOR = """\
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
        with open(path, "wb", buffering=BLOCK) as file:
            Csv().write_table(report.table(), file)
        return lambda: _digest(path, has_header=True)

    return work


def statement(path: str) -> Work:
    """Write the statement that gives the rows into a file, for those who know no Django."""
    report = _report()
    from django.db import connections
    from django.test.utils import CaptureQueriesContext

    source = report.source()
    sql, parameters = source.sql(*(pick.cell for pick in source.fields))
    connection = connections[source.records.db]

    def work() -> None:
        with (
            CaptureQueriesContext(connection) as queries,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"{PLAN}{sql}", parameters)
        Path(path).write_text(queries[-1]["sql"].removeprefix(PLAN))

    return work


def questions() -> Work:
    report = _report()
    from tasks.rendering.database_csv import _probe_columns

    def work() -> None:
        _probe_columns(report.source(), quoting_pattern="^$")

    return work


def to_nowhere(url: str, sql: str) -> Work:
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
            open(path, "wb", buffering=BLOCK) as file,
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
    source = _report().source()
    from django.db.models import ExpressionWrapper, TextField

    # The decimals as the texts that the database gives, without our own converter.
    cells = [
        ExpressionWrapper(pick.cell, TextField())
        if pick.column.type == "decimal"
        else pick.cell
        for pick in source.fields
    ]

    def work() -> Any:
        with open(path, "w", newline="") as file:
            rows = source.records.values_list(*cells).iterator()
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

    _open.append(snapshot())
    _open[-1].__enter__()
    viewer = User.objects.get(username="admin")
    return DataExport(Parameters(table="grades"), visible_enrolments(viewer))


_open: list[Any] = []


def _digest(path: str, *, has_header: bool = False) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        if has_header:
            file.readline()
        while lines := file.readlines(BLOCK):
            # The shell quotes each text that is not plain ASCII.
            told = b"".join(lines).replace(b"\r\n", b"\n").replace(b'"', b"")
            digest.update(told)
    return digest.hexdigest()


def ways(database: str, url: str, folder: Path) -> dict[str, Way]:
    environment = network.environment(url)
    path = {"path": str(folder / "a.csv")}
    sql = str(folder / f"{database}.sql")
    Way("bench.csv_files:statement", {"path": sql}, environment=environment)()
    export = {"kind": "data_export", "parameters": {"table": "grades"}, "format": "csv"}
    peer = {"url": url, "sql": sql, **path}
    found = {
        OURS: Way("bench.csv_files:ours", path, environment=environment),
        "whole report": Way(
            "bench.engine:made",
            {**export, "folder": str(folder)},
            environment=environment,
        ),
        DJANGO: Way("bench.csv_files:by_django", path, environment=environment),
    }
    if database == "postgresql":
        found[COPY] = Way("bench.csv_files:by_copy", peer)
        found[NOWHERE] = Way("bench.csv_files:to_nowhere", {"url": url, "sql": sql})
        found[ASKED] = Way("bench.csv_files:questions", {}, environment=environment)
    elif shutil.which("sqlite3"):
        found[SHELL] = Way("bench.csv_files:by_shell", peer)
    return found


def measured(runs: Mapping[str, Runs]) -> dict[str, float]:
    goals = (
        ("csv-copy", "postgresql", COPY),
        ("csv-django", "postgresql", DJANGO),
        ("csv-sqlite", "sqlite", SHELL),
    )
    found = {}
    for goal, database, peer in goals:
        if peer in runs[database]:
            check_same(runs[database], OURS, peer)
            found[goal] = ratio(runs[database][OURS], runs[database][peer])
    return found


def floor(runs: Runs) -> str:
    """Where the seconds go on PostgreSQL, and what the goals leave."""
    return FLOOR.format(
        asked=median(runs[ASKED]),
        client=median(runs[OURS], "cpu_seconds"),
        copy=median(runs[COPY], "cpu_seconds"),
        server=median(runs[NOWHERE]),
        fifth=median(runs[DJANGO]) / 5,
    )


def main(options: Options) -> None:
    runs: dict[str, Runs] = {}
    with (
        network.networks(options.students) as urls,
        tempfile.TemporaryDirectory(prefix="bench-", dir=network.DATA) as folder,
    ):
        for database, url in urls.items():
            own = ways(database, url, Path(folder))
            runs[database] = interleaved(own, options.rounds)
    parts = [WANTED, circumstances(options)]
    for database, of_database in runs.items():
        peer = COPY if database == "postgresql" else SHELL
        against = peer if peer in of_database else DJANGO
        parts += [f"### {database}", table(of_database, against)]
        if NOWHERE in of_database:
            parts.append(floor(of_database))
    if SHELL not in runs["sqlite"]:
        parts.append("The `sqlite3` shell was not measured: it is not installed.")
    keep("bench.csv_files", "\n\n".join(parts), measured(runs), options)


if __name__ == "__main__":
    main(read_options(__doc__))

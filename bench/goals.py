"""Performance goals, and their table at the start of RESULTS.md."""

from collections.abc import Mapping
from dataclasses import dataclass

HEAD = "| what | against | goal | measured | reached |\n|---|---|---|---|---|\n"


@dataclass(frozen=True)
class Goal:
    what: str
    against: str
    limit: float
    limit_format: str = "≤ {:g}×"
    is_minimum: bool = False
    """True if the measured value must be at least `limit`."""

    def table_row(self, cells: str) -> str:
        limit = self.limit_format.format(self.limit)
        return f"| {self.what} | {self.against} | {limit} | {cells} |\n"

    def result_cells(self, value: float) -> str:
        """Return the last two cells of the row: the measured value and whether it is enough."""
        number = self.limit_format.lstrip("≤≥ ").replace(":g", ":.2f").format(value)
        is_reached = value >= self.limit if self.is_minimum else value <= self.limit
        if is_reached:
            return f"{number} | yes"
        factor = self.limit / value if self.is_minimum else value / self.limit
        return f"{number} | no: {factor:.2f} times the goal"


_AT_LEAST, _MB, _KB = "≥ {:g}×", "≤ {:g} MB", "≤ {:g} KB"
_MILLISECONDS, _SECONDS = "≤ {:g} ms", "≤ {:g} s"
GOALS = {
    "query-postgresql": Goal("aggregation report, our query, PostgreSQL", "the same SQL by hand through the driver", 1.3),
    "query-sqlite": Goal("aggregation report, our query, SQLite", "the same SQL by hand through the driver", 1.3),
    "class-postgresql": Goal("class statistics of the network, our schema, PostgreSQL", "NUMERIC grades, Django's default indexes", 0.4),
    "class-sqlite": Goal("class statistics of the network, SQLite, CPU time", "one sum of each group alone", 1.6),
    "attendance-postgresql": Goal("attendance rates, our schema, PostgreSQL, CPU time with the server's", "a row per attendance", 0.25),
    "attendance-sqlite": Goal("attendance rates, our schema, SQLite", "a row per attendance", 0.1),
    "csv-copy": Goal("CSV of 4 million grades, PostgreSQL", "plain `COPY` of the same query to a file", 1.3),
    "csv-server": Goal("CSV of 4 million grades, PostgreSQL", "the server's `COPY` of the same query to /dev/null", 1.5),
    "csv-sqlite": Goal("CSV of 4 million grades, SQLite", "the `sqlite3` shell", 2.2),
    "xlsx": Goal("XLSX 200,000 × 10", "XlsxWriter `constant_memory`", 0.25),
    "xlsx-rust": Goal("XLSX 200,000 × 10, CPU time", "rustpy-xlsxwriter", 1.05),
    "pdf-reportlab-1": Goal("PDF cards, per page, one core", "reportlab tables", 2.2),
    "pdf-reportlab-2": Goal("PDF cards, per page, two rendering children", "reportlab tables", 2),
    "pdf-weasyprint": Goal("PDF cards, per page, one core", "WeasyPrint", 0.1),
    "pdf-two": Goal("PDF of 1,000 pupils, two rendering children", "one", 1.7, _AT_LEAST, is_minimum=True),
    "memory-csv": Goal("peak memory of a worker, CSV of 4 million rows", "", 100, _MB),
    "memory-csv-growth": Goal("peak memory, CSV of 4 million rows", "of 400 thousand", 1.1),
    "memory-xlsx": Goal("peak memory of a worker, XLSX of 4 million rows", "", 100, _MB),
    "memory-xlsx-growth": Goal("peak memory, XLSX of 4 million rows", "of 400 thousand", 1.1),
    "memory-pdf": Goal("peak memory of a worker with its children, PDF of 4 million grades", "", 160, _MB),
    "memory-pdf-growth": Goal("peak memory, PDF of 4 million grades", "of 400 thousand", 1.1),
    "api": Goal("a whole report through the API (class boletim, PDF)", "1.2 × its bare engine call + 50 ms", 1.0),
    "poll-fastapi-200": Goal("poll of a running task, 200, CPU time", "FastAPI, uvicorn, redis.asyncio, PyJWT, pydantic", 1.0),
    "poll-fastapi-304": Goal("poll of a running task, 304, CPU time", "FastAPI, uvicorn, redis.asyncio, PyJWT, pydantic", 1.0),
    "poll-drf-200": Goal("poll of a running task, 200, CPU time", "DRF, `AsyncResult`, gunicorn with gevent", 0.4),
    "poll-drf-304": Goal("poll of a running task, 304, CPU time", "DRF, `AsyncResult`, gunicorn with gevent", 0.4),
    "poll-ninja-200": Goal("poll of a running task, 200, CPU time", "django-ninja, gunicorn with gevent", 0.6),
    "poll-ninja-304": Goal("poll of a running task, 304, CPU time", "django-ninja, gunicorn with gevent", 0.6),
    "submit-drf": Goal("accepted report, its row committed, CPU time", "DRF, a serializer and `.delay()`, no row", 1.5),
    "submit-fastapi": Goal("accepted report, its row committed, CPU time", "FastAPI, one INSERT by asyncpg, and `.delay()`", 1.5),
    "list-reports": Goal("`GET /reports`, CPU time", "plain DRF serializer on the same data", 1.0),
    "list-tasks": Goal("`GET /tasks`, page of 20, CPU time", "plain DRF serializer on the same data", 1.0),
    "list-me": Goal("`GET /me`, CPU time", "plain DRF serializer on the same data", 1.0),
    "latency-p50": Goal("a report that does nothing, from submission until a waiting client knows, p50", "Celery, bare `delay().get()`", 4),
    "latency-p99": Goal("a report that does nothing, from submission until a waiting client knows, p99", "Celery, bare `delay().get()`", 4),
    "growth-poll": Goal("poll with 1,000,000 finished tasks, CPU time", "with 1,000", 1.1),
    "growth-submit": Goal("accepted report with 1,000,000 finished tasks, CPU time", "with 1,000", 1.1),
    "queue-poll": Goal("poll with 10,000 tasks in the queue, CPU time", "with none", 1.1),
    "queue-submit": Goal("accepted report with 10,000 tasks in the queue, CPU time", "with none", 1.1),
    "queue-tick-postgresql": Goal("the dispatcher's tick with 10,000 tasks in the queue, PostgreSQL", "", 100, _MILLISECONDS),
    "queue-tick-sqlite": Goal("the dispatcher's tick with 10,000 tasks in the queue, SQLite", "", 100, _MILLISECONDS),
    "waiters-memory": Goal("memory of each of 5,000 clients that wait on one process", "", 60, _KB),
    "waiters-delay": Goal("5,000 clients wait, 100 ends a second: delay until the client knows, p99", "", 250, _MILLISECONDS),
    "waiters-burst": Goal("5,000 clients wait, all tasks end at once: until all know", "", 2, _SECONDS),
    "workers-two": Goal("reports a second, two worker processes", "one", 1.8, _AT_LEAST, is_minimum=True),
    "endurance-memory": Goal("memory of the web process in the last of ten minutes at 70 % load, no error", "in the first", 1.1),
    "endurance-p99": Goal("p99 of the last of ten minutes at 70 % load, no error", "of the first", 1.5),
}  # fmt: skip


def update_table(old_table: str, values: Mapping[str, float]) -> str:
    """Return the table with the new values; other goals keep their row of `old_table`."""
    lines = [HEAD]
    for name, goal in GOALS.items():
        start = goal.table_row("").removesuffix("|  |\n")
        old_row = next(
            (line for line in old_table.splitlines() if line.startswith(start)), ""
        )
        if name in values:
            lines.append(goal.table_row(goal.result_cells(values[name])))
        else:
            lines.append(
                old_row + "\n" if old_row else goal.table_row("| not measured yet")
            )
    return "".join(lines)

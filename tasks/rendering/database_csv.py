"""CSV written by the database: by COPY on PostgreSQL, as one text per line on SQLite.

The bytes equal those of `csv.writer` and `escape_formula`, but are several times faster to
produce. If Python has to check texts, it checks a block of lines at once.
"""

import csv
import io
import re
from collections.abc import Callable, Generator, Iterator, Set
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.db import connections
from django.db.models import BinaryField, Expression, F, Func, TextField, Value
from django.db.models.functions import Coalesce, NullIf
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.generators import WAIT_R, fetch_many
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from tasks.rendering.cells import FORMULA_PATTERN, escape_formula
from tasks.rendering.query_source import ExportField, QuerySource

LINES_PER_BLOCK = 2000
"""Lines in a block, about 300 kB."""
MIN_ROWS_TO_PROBE = 20_000
"""Number of rows from which it is faster to ask first whether any text must be checked."""

Buffer = bytes | bytearray
CsvBlock = tuple[int, Buffer]
"""Number of lines, and their bytes."""

# Matches at least all that `FORMULA_PATTERN` matches: in UTF-8, wide spaces and signs consist
# of bytes from 0x80.
_FORMULA_HINT = re.compile(
    rb"(?:^|[,;|\t\r\n\"])[\x00-\x20\"'\x80-\xff]*(?:[=+\-@]|\xef\xbc[\x8b\x8d\x9d\xa0])"
    rb"|(?:^|[,\n\"])'*\t|\"'*[\r\n]"
)


@contextmanager
def stream_csv(
    query_source: QuerySource, raise_if_stopped: Callable[[], None]
) -> Iterator[Iterator[CsvBlock]]:
    """Provide the rows of the source as blocks of CSV lines.

    `raise_if_stopped` is called while waiting for the database. A statement that still runs
    at the end of the `with` block is canceled.
    """
    stream = _STREAMERS[connections[query_source.records.db].vendor]
    blocks = stream(query_source, raise_if_stopped)
    try:
        yield blocks
    finally:
        blocks.close()


def _stream_postgresql(
    query_source: QuerySource, raise_if_stopped: Callable[[], None]
) -> Generator[CsvBlock, None, None]:
    connection = connections[query_source.records.db]
    risky, quoted_if_empty = _probe_columns(query_source, quoting_pattern="^$")
    cells: list[F | Expression] = []
    for index, field in enumerate(query_source.fields):
        # COPY quotes an empty text, but not NULL.
        null_if_empty = NullIf(field.expression, Value(""), output_field=TextField())
        cells.append(null_if_empty if index in quoted_if_empty else _sql_value(field))
    sql, parameters = query_source.compile_sql(*cells)
    with connection.cursor() as cursor, connection.wrap_database_errors:
        statement = cursor.mogrify(f"COPY ({sql}) TO STDOUT (FORMAT csv)", parameters)
        psycopg_connection = connection.connection
        with psycopg_connection.interruptible(raise_if_stopped), cursor.copy(statement):
            is_last = False
            while not is_last:
                block = bytearray()
                line_count, is_last = psycopg_connection.wait(
                    _read_block(psycopg_connection.pgconn, block)
                )
                if _is_plain(block, line_count, risky):
                    yield line_count, block.replace(b"\n", b"\r\n")
                else:
                    yield line_count, _rewrite_block(block, risky)


def _read_block(pgconn: PGconn, block: bytearray) -> PQGen[tuple[int, bool]]:
    """Append rows to the block; return their number and True if they were the last.

    psycopg's own loop waits for each row separately. Only the bytes of a row are kept, because
    garbage collection of thousands of small objects would double the time.
    """
    for count in range(LINES_PER_BLOCK):
        size, row = pgconn.get_copy_data(1)
        while not size:
            while not (yield WAIT_R):
                continue
            pgconn.consume_input()
            size, row = pgconn.get_copy_data(1)
        if size < 0:
            for result in (yield from fetch_many(pgconn)):
                if result.status != ExecStatus.COMMAND_OK:
                    raise errors.error_from_result(result)
            return count, True
        block += row
    return LINES_PER_BLOCK, False


def _stream_sqlite(
    query_source: QuerySource, raise_if_stopped: Callable[[], None]
) -> Generator[CsvBlock, None, None]:
    connection = connections[query_source.records.db]
    risky, needs_quotes = _probe_columns(query_source, quoting_pattern='[",\r\n]')
    cells: list[F | Expression] = []
    for index, field in enumerate(query_source.fields):
        is_text = field.column.type == "text"
        value = _sql_value(field) if is_text else Coalesce(_sql_value(field), Value(""))
        cells.append(_QuoteIfNeeded(value) if index in needs_quotes else value)
    sql, parameters = query_source.compile_sql(_CsvLine(*cells))
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        cursor_rows = iter(cursor)
        while rows := [line for (line,) in islice(cursor_rows, LINES_PER_BLOCK)]:
            raise_if_stopped()
            block = b"".join(rows)
            is_safe = not (risky and _FORMULA_HINT.search(block))
            yield len(rows), block if is_safe else _rewrite_block(block, risky)


_STREAMERS = {"postgresql": _stream_postgresql, "sqlite": _stream_sqlite}


def _probe_columns(
    query_source: QuerySource, *, quoting_pattern: str
) -> tuple[Set[int], Set[int]]:
    """Return the indexes of text columns that may have formulas, and of those to be quoted.

    Below `MIN_ROWS_TO_PROBE` rows both are all text columns.
    """
    text_fields = {
        index: field
        for index, field in enumerate(query_source.fields)
        if field.column.type == "text"
    }
    if query_source.count < MIN_ROWS_TO_PROBE:
        return text_fields.keys(), text_fields.keys()
    risky, special = (
        {
            index
            for index, field in text_fields.items()
            if field.may_match(pattern, query_source.records.model)
        }
        for pattern in (FORMULA_PATTERN, quoting_pattern)
    )
    return risky, special


def _is_plain(block: Buffer, line_count: int, risky: Set[int]) -> bool:
    """Return True if no text needs `escape_formula` and every line end is the end of a row."""
    return block.count(b"\n") == line_count and not (
        risky and _FORMULA_HINT.search(block)
    )


def _rewrite_block(block: Buffer, risky: Set[int]) -> bytes:
    """Rewrite the rows with `csv.writer`, escaping formulas in the risky columns."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in csv.reader(io.StringIO(block.decode(), newline="")):
        writer.writerow(
            escape_formula(cell) if index in risky else cell
            for index, cell in enumerate(row)
        )
    return text.getvalue().encode()


def _sql_value(field: ExportField) -> F | Expression:
    return (
        _BooleanText(field.expression)
        if field.column.type == "boolean"
        else field.expression
    )


class _RepeatingFunc(Func):
    """A function whose template has its expression several times."""

    def as_sql(self, *arguments: Any, **options: Any) -> Any:
        """Repeat the parameters for each occurrence of the expression in the template."""
        sql, parameters = super().as_sql(*arguments, **options)
        return sql, tuple(parameters) * self.template.count("%(expressions)s")


class _BooleanText(_RepeatingFunc):
    """A boolean as CSV text: `true` or `false`."""

    template = "CASE WHEN %(expressions)s THEN 'true' WHEN NOT %(expressions)s THEN 'false' END"
    output_field = TextField()


class _QuoteIfNeeded(_RepeatingFunc):
    """A text, in quotes if CSV requires them."""

    template = (
        "CASE WHEN instr(%(expressions)s, ',') OR instr(%(expressions)s, '\"')"
        " OR instr(%(expressions)s, char(10)) OR instr(%(expressions)s, char(13))"
        " THEN '\"' || replace(%(expressions)s, '\"', '\"\"') || '\"'"
        " ELSE %(expressions)s END"
    )
    output_field = TextField()


class _CsvLine(Func):
    """A whole CSV line as bytes, so that the driver does not decode it."""

    template = "CAST(%(expressions)s || char(13, 10) AS BLOB)"
    arg_joiner = " || ',' || "
    output_field = BinaryField()

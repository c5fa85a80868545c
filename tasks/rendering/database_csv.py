"""CSV that the database itself writes: by COPY on PostgreSQL, a text a line on SQLite.

The bytes are those of `csv.writer` and `harmless`, several times as fast. Where Python has
to look at texts after all, it looks at a block of lines at once.
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

from tasks.rendering.cells import FORMULA, harmless
from tasks.rendering.query_source import Pick, Source

LINES = 2000
"""How many make a block, some 300 kB."""
WORTH_ASKING = 20_000
"""From so many rows on it pays to ask first whether any text needs to be looked at."""

Buffer = bytes | bytearray
Block = tuple[int, Buffer]
"""So many whole lines."""

# More than `FORMULA` finds, and never less: in UTF-8 spaces and wide signs are of high bytes.
_SUSPECT = re.compile(
    rb"(?:^|[,;|\t\r\n\"])[\x00-\x20\"'\x80-\xff]*(?:[=+\-@]|\xef\xbc[\x8b\x8d\x9d\xa0])"
    rb"|(?:^|[,\n\"])'*\t|\"'*[\r\n]"
)


@contextmanager
def lines(source: Source, check: Callable[[], None]) -> Iterator[Iterator[Block]]:
    """The rows of the source as lines of CSV.

    `check` is called while the database is waited for, and may raise. On leaving, a
    statement that is under way is ended.
    """
    write = _WRITERS[connections[source.records.db].vendor]
    blocks = write(source, check)
    try:
        yield blocks
    finally:
        blocks.close()


def _by_copy(source: Source, check: Callable[[], None]) -> Generator[Block, None, None]:
    connection = connections[source.records.db]
    risky, empty = _doubts(source, odd="^$")
    cells: list[F | Expression] = []
    for number, pick in enumerate(source.picks):
        # COPY quotes what is empty and not null.
        blank = NullIf(pick.cell, Value(""), output_field=TextField())
        cells.append(blank if number in empty else _told(pick))
    sql, parameters = source.sql(*cells)
    with connection.cursor() as cursor, connection.wrap_database_errors:
        statement = cursor.mogrify(f"COPY ({sql}) TO STDOUT (FORMAT csv)", parameters)
        server = connection.connection
        with server.checked(check), cursor.copy(statement):
            is_over = False
            while not is_over:
                block = bytearray()
                count, is_over = server.wait(_rows_that_come(server.pgconn, block))
                if _is_plain(block, count, risky):
                    yield count, block.replace(b"\n", b"\r\n")
                else:
                    yield count, _rewritten(block, risky)


def _rows_that_come(pgconn: PGconn, block: bytearray) -> PQGen[tuple[int, bool]]:
    """Add the rows of a block; how many, and whether these were the last.

    psycopg's own loop waits for each row anew. Nothing is kept of a row but its bytes: for
    thousands of small objects the garbage collector would take as long as all the rest.
    """
    for count in range(LINES):
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
    return LINES, False


def _by_line(source: Source, check: Callable[[], None]) -> Generator[Block, None, None]:
    connection = connections[source.records.db]
    risky, special = _doubts(source, odd='[",\r\n]')
    cells: list[F | Expression] = []
    for number, pick in enumerate(source.picks):
        is_text = pick.column.type == "text"
        told = _told(pick) if is_text else Coalesce(_told(pick), Value(""))
        cells.append(_Quoted(told) if number in special else told)
    sql, parameters = source.sql(_Line(*cells))
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found = iter(cursor)
        while rows := [line for (line,) in islice(found, LINES)]:
            check()
            block = b"".join(rows)
            is_harmless = not (risky and _SUSPECT.search(block))
            yield len(rows), block if is_harmless else _rewritten(block, risky)


_WRITERS = {"postgresql": _by_copy, "sqlite": _by_line}


def _doubts(source: Source, *, odd: str) -> tuple[Set[int], Set[int]]:
    """In which columns a text may be taken for a formula, and in which it may be odd."""
    texts = {
        number: pick
        for number, pick in enumerate(source.picks)
        if pick.column.type == "text"
    }
    if source.count < WORTH_ASKING:
        return texts.keys(), texts.keys()
    risky, strange = (
        {
            number
            for number, pick in texts.items()
            if pick.may_be(pattern, source.records.model)
        }
        for pattern in (FORMULA, odd)
    )
    return risky, strange


def _is_plain(block: Buffer, lines: int, risky: Set[int]) -> bool:
    """Whether no text can be one for `harmless`, and each end of a line is that of a row."""
    return block.count(b"\n") == lines and not (risky and _SUSPECT.search(block))


def _rewritten(block: Buffer, risky: Set[int]) -> bytes:
    """The rows as `csv.writer` has them, with the texts of these columns made harmless."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in csv.reader(io.StringIO(block.decode(), newline="")):
        writer.writerow(
            harmless(cell) if number in risky else cell
            for number, cell in enumerate(row)
        )
    return text.getvalue().encode()


def _told(pick: Pick) -> F | Expression:
    return _Word(pick.cell) if pick.column.type == "boolean" else pick.cell


class _Word(Func):
    """Yes and no as CSV has them."""

    template = "CASE WHEN %(expressions)s THEN 'true' WHEN NOT %(expressions)s THEN 'false' END"
    output_field = TextField()


class _Quoted(Func):
    """A text in quotes where CSV needs them."""

    template = (
        "CASE WHEN instr(%(expressions)s, ',') OR instr(%(expressions)s, '\"')"
        " OR instr(%(expressions)s, char(10)) OR instr(%(expressions)s, char(13))"
        " THEN '\"' || replace(%(expressions)s, '\"', '\"\"') || '\"'"
        " ELSE %(expressions)s END"
    )
    output_field = TextField()

    def as_sql(self, *arguments: Any, **options: Any) -> Any:
        """As often as the template has its text, its parameters are needed."""
        sql, parameters = super().as_sql(*arguments, **options)
        return sql, tuple(parameters) * self.template.count("%(expressions)s")


class _Line(Func):
    """A whole line; as bytes, which are not decoded on the way."""

    template = "CAST(%(expressions)s || char(13, 10) AS BLOB)"
    arg_joiner = " || ',' || "
    output_field = BinaryField()

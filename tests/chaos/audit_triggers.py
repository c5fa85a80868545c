"""A witness inside the database: a table filled by triggers, independent of our code."""

import sqlite3
import uuid
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass

import psycopg

from tests.chaos.ledger import FINAL
from tests.support.stack import Stack

_COLUMNS = "task, was, became, version, attempt, fence, at"
_FOR_SQLITE = """
CREATE TABLE witness (seq INTEGER PRIMARY KEY AUTOINCREMENT, task, was, became,
                      version, attempt, fence, at);
CREATE TRIGGER witness_insert AFTER INSERT ON tasks_task BEGIN
    INSERT INTO witness ({columns}) VALUES (NEW.id, '', NEW.state, NEW.version,
        NEW.attempt, NEW.fence, {now}); END;
CREATE TRIGGER witness_update AFTER UPDATE OF state ON tasks_task BEGIN
    INSERT INTO witness ({columns}) VALUES (NEW.id, OLD.state, NEW.state, NEW.version,
        NEW.attempt, NEW.fence, {now}); END;
CREATE TRIGGER witness_delete AFTER DELETE ON tasks_task BEGIN
    INSERT INTO witness ({columns}) VALUES (OLD.id, OLD.state, '', OLD.version,
        OLD.attempt, OLD.fence, {now}); END;
""".format(columns=_COLUMNS, now="(julianday('now') - 2440587.5) * 86400.0")
_FOR_POSTGRESQL = f"""
CREATE TABLE witness (seq bigserial PRIMARY KEY, task uuid, was text, became text,
                      version int, attempt int, fence int, at double precision);
CREATE FUNCTION bear_witness() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE known tasks_task%ROWTYPE;
        was text := ''; became text := '';
BEGIN
    IF TG_OP <> 'INSERT' THEN was := OLD.state; known := OLD; END IF;
    IF TG_OP <> 'DELETE' THEN became := NEW.state; known := NEW; END IF;
    INSERT INTO witness ({_COLUMNS}) VALUES (known.id, was, became, known.version,
        known.attempt, known.fence, extract(epoch FROM clock_timestamp()));
    RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER INSERT OR DELETE OR UPDATE OF state ON tasks_task
    FOR EACH ROW EXECUTE FUNCTION bear_witness();
"""


@dataclass(frozen=True)
class Move:
    was: str
    became: str
    version: int
    attempt: int
    fence: int
    at: float

    @property
    def is_end(self) -> bool:
        return self.became in FINAL and self.was not in FINAL

    @property
    def is_claim(self) -> bool:
        return self.became == "running"

    def __str__(self) -> str:
        return f"{self.was or '∅'} → {self.became or '∅'} (attempt {self.attempt}, version {self.version})"


History = list[Move]


def install(stack: Stack) -> None:
    if stack.is_postgresql:
        with psycopg.connect(stack.database_url) as connection:
            connection.execute(_FOR_POSTGRESQL)
        return
    path = stack.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_FOR_SQLITE)


def histories(stack: Stack) -> dict[str, History]:
    """Every task's moves, in the order in which the database made them."""
    found: dict[str, History] = defaultdict(list)
    for task, *move in stack.query(f"SELECT {_COLUMNS} FROM witness ORDER BY seq"):
        found[str(uuid.UUID(str(task)))].append(Move(*move))
    return found

"""Audit table in the database, filled by triggers and independent of the service's code."""

import sqlite3
import uuid
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass

import psycopg

from tests.chaos.ledger import FINAL
from tests.support.stack import Stack

_AUDIT_COLUMNS = "task, was, became, version, attempt, fence, at"
_SQLITE_TRIGGERS = """
CREATE TABLE audit (seq INTEGER PRIMARY KEY AUTOINCREMENT, task, was, became,
                      version, attempt, fence, at);
CREATE TRIGGER audit_insert AFTER INSERT ON tasks_task BEGIN
    INSERT INTO audit ({columns}) VALUES (NEW.id, '', NEW.state, NEW.version,
        NEW.attempt, NEW.fence, {now}); END;
CREATE TRIGGER audit_update AFTER UPDATE OF state ON tasks_task BEGIN
    INSERT INTO audit ({columns}) VALUES (NEW.id, OLD.state, NEW.state, NEW.version,
        NEW.attempt, NEW.fence, {now}); END;
CREATE TRIGGER audit_delete AFTER DELETE ON tasks_task BEGIN
    INSERT INTO audit ({columns}) VALUES (OLD.id, OLD.state, '', OLD.version,
        OLD.attempt, OLD.fence, {now}); END;
""".format(columns=_AUDIT_COLUMNS, now="(julianday('now') - 2440587.5) * 86400.0")
_POSTGRESQL_TRIGGERS = f"""
CREATE TABLE audit (seq bigserial PRIMARY KEY, task uuid, was text, became text,
                      version int, attempt int, fence int, at double precision);
CREATE FUNCTION record_transition() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE known tasks_task%ROWTYPE;
        was text := ''; became text := '';
BEGIN
    IF TG_OP <> 'INSERT' THEN was := OLD.state; known := OLD; END IF;
    IF TG_OP <> 'DELETE' THEN became := NEW.state; known := NEW; END IF;
    INSERT INTO audit ({_AUDIT_COLUMNS}) VALUES (known.id, was, became, known.version,
        known.attempt, known.fence, extract(epoch FROM clock_timestamp()));
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF state ON tasks_task
    FOR EACH ROW EXECUTE FUNCTION record_transition();
"""


@dataclass(frozen=True)
class Transition:
    from_state: str
    to_state: str
    version: int
    attempt: int
    fence: int
    recorded_at: float

    @property
    def is_final(self) -> bool:
        return self.to_state in FINAL and self.from_state not in FINAL

    @property
    def is_claim(self) -> bool:
        return self.to_state == "running"

    def __str__(self) -> str:
        return f"{self.from_state or '∅'} → {self.to_state or '∅'} (attempt {self.attempt}, version {self.version})"


History = list[Transition]


def install_triggers(stack: Stack) -> None:
    if stack.is_postgresql:
        with psycopg.connect(stack.database_url) as connection:
            connection.execute(_POSTGRESQL_TRIGGERS)
        return
    path = stack.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_SQLITE_TRIGGERS)


def load_histories(stack: Stack) -> dict[str, History]:
    """Return the transitions of each task id, in commit order."""
    histories_by_task: dict[str, History] = defaultdict(list)
    for task, *columns in stack.query(
        f"SELECT {_AUDIT_COLUMNS} FROM audit ORDER BY seq"
    ):
        histories_by_task[str(uuid.UUID(str(task)))].append(Transition(*columns))
    return histories_by_task

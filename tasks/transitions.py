"""Guarded UPDATEs of a task's state; only `tasks.lifecycle` makes them."""

from typing import Any, cast

from django.db.models import F, Field, QuerySet
from django.db.models.functions import Now

from school.prepared_sql import Parameter, PreparedRowUpdate
from tasks.models import Task
from tasks.states import FINAL, State, states_before


def transition(tasks: QuerySet[Task], to: State, **fields: Any) -> bool:
    """Update the task if its state allows the transition; False if it does not."""
    return bool(_eligible(tasks, to).update(**_all_fields(to, fields)))


def prepare(tasks: QuerySet[Task], to: State, **fields: Any) -> PreparedRowUpdate[Task]:
    """Build the statement of a transition that every report makes."""
    return PreparedRowUpdate(_eligible(tasks, to), _all_fields(to, fields))


def given(field: str) -> Parameter:
    """Return the value of a field that is given when a prepared statement is executed."""
    return Parameter(field, cast("Field[Any, Any]", Task._meta.get_field(field)))


def next_version() -> dict[str, Any]:
    """Return the fields that every change of a row's document sets."""
    return {"version": F("version") + 1, "updated_at": Now()}


def _eligible(tasks: QuerySet[Task], to: State) -> QuerySet[Task]:
    return tasks.filter(state__in=states_before(to))


def _all_fields(to: State, fields: dict[str, Any]) -> dict[str, Any]:
    if to in FINAL and to != State.EXPIRED:
        fields["expires_at"] = Now() + F("retention")
    return {"state": to, **next_version(), **fields}

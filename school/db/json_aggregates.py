"""Lists as texts of JSON, so that what hangs on a row is read with the row."""

from typing import Any

from django.db.models import (
    Aggregate,
    Func,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
)


class JSONList(Aggregate):
    """A group's values as a JSON array."""

    function = "json_group_array"
    output_field = TextField()

    def as_postgresql(self, *given: Any, **context: Any) -> Any:
        # As a text: what is only put by for later takes less memory so.
        return self.as_sql(
            *given, template="json_agg(%(expressions)s)::text", **context
        )


class JSONRow(Func):
    """Several values as one, a JSON array.

    Not Django's `JSONArray`, which makes JSONB on PostgreSQL and takes twice the time.
    """

    function = "json_array"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, function="json_build_array")


def listed(records: QuerySet[Any], value: Any, *, of: str) -> Subquery:
    """That value of each record of the row that a statement is at; NULL without any.

    `of` is the records' field for the row.
    """
    own = records.filter(**{of: OuterRef("pk")}).order_by().values(f"{of}_id")
    return Subquery(own.annotate(_listed=JSONList(value)).values("_listed"))

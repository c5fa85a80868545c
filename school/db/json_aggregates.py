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


class JSONArrayAgg(Aggregate):
    """A group's values as a JSON array."""

    function = "json_group_array"
    output_field = TextField()

    def as_postgresql(self, *args: Any, **kwargs: Any) -> Any:
        # As a text: what is only put by for later takes less memory so.
        return self.as_sql(*args, template="json_agg(%(expressions)s)::text", **kwargs)


class JSONRow(Func):
    """Several values as one, a JSON array.

    Not Django's `JSONArray`, which makes JSONB on PostgreSQL and takes twice the time.
    """

    function = "json_array"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, function="json_build_array")


def json_array_subquery(
    queryset: QuerySet[Any], expression: Any, *, parent_field: str
) -> Subquery:
    """That value of each record of the row that a statement is at; NULL without any.

    `of` is the records' field for the row.
    """
    related = (
        queryset.filter(**{parent_field: OuterRef("pk")})
        .order_by()
        .values(f"{parent_field}_id")
    )
    return Subquery(related.annotate(_array=JSONArrayAgg(expression)).values("_array"))

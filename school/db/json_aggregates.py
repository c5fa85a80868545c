"""SQL aggregates that return JSON text, to read related records together with their row."""

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
    """Values of a group as a JSON array, in a text column."""

    function = "json_group_array"
    output_field = TextField()

    def as_postgresql(self, *args: Any, **kwargs: Any) -> Any:
        # Text, because parsed values that wait to be used would take more memory.
        return self.as_sql(*args, template="json_agg(%(expressions)s)::text", **kwargs)


class JSONRow(Func):
    """Several values of one row as a JSON array.

    Django's `JSONArray` builds JSONB on PostgreSQL, which takes twice the time.
    """

    function = "json_array"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, function="json_build_array")


def json_array_subquery(
    queryset: QuerySet[Any], expression: Any, *, parent_field: str
) -> Subquery:
    """Return a subquery for `expression` of each record related to the outer row.

    `parent_field` is the foreign key of the records to that row. The result is a JSON
    array as text, or NULL without records.
    """
    related = (
        queryset.filter(**{parent_field: OuterRef("pk")})
        .order_by()
        .values(f"{parent_field}_id")
    )
    return Subquery(related.annotate(_array=JSONArrayAgg(expression)).values("_array"))

"""Aggregates of a whole query, as one value of another query: several of them are one statement."""

from typing import Any

from django.db.models import (
    BigIntegerField,
    F,
    IntegerField,
    QuerySet,
    Subquery,
    TextField,
)


class CountOf(Subquery):
    """Number of the rows of a query; a slice bounds what is counted."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()
    empty_result_set_value = 0


class SumOf(Subquery):
    """Sum of a field over the rows of a query; 0 without rows."""

    template = "(SELECT COALESCE(SUM(value), 0) FROM (%(subquery)s) summed)"
    output_field = BigIntegerField()
    empty_result_set_value = 0

    def __init__(self, queryset: QuerySet[Any], field: str) -> None:
        super().__init__(queryset.order_by().values(value=F(field)))


class DistinctValues(Subquery):
    """Different values of a field, as the text of a JSON array; NULL or `[]` without rows."""

    template = "(SELECT json_group_array(value) FROM (%(subquery)s) listed)"
    output_field = TextField()

    def __init__(self, queryset: QuerySet[Any], field: str) -> None:
        super().__init__(queryset.order_by().values(value=F(field)).distinct())

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        template = "(SELECT json_agg(value)::text FROM (%(subquery)s) listed)"
        return self.as_sql(compiler, connection, template=template)

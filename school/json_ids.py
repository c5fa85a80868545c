"""SQL conditions on ids that are stored as a JSON list."""

from typing import Any

from django.db.models import BooleanField, Func


class JsonListContains(Func):
    """SQL condition: a JSON list has this number; false where there is no list."""

    arity = 2
    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="EXISTS (SELECT 1 FROM json_each(%(expressions)s)",
            arg_joiner=") WHERE value = ",
        )

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="COALESCE(%(expressions)s), FALSE)",
            arg_joiner=" @> to_jsonb(",
        )


class JsonIdsIn(Func):
    """SQL condition: every number of a JSON list is in the result of a subquery."""

    arity = 2
    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="NOT EXISTS (SELECT 1 FROM json_each(%(expressions)s)",
            arg_joiner=") WHERE value NOT IN ",
        )

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="NOT EXISTS (SELECT 1 FROM jsonb_array_elements_text(%(expressions)s)",
            arg_joiner=") AS item (id) WHERE item.id::bigint NOT IN ",
        )

"""Name search by word prefixes, ignoring case and accents, alike on every database."""

from typing import Any

from django.db.models import F, Func, IntegerField, Q, Value
from django.db.models.lookups import Exact, GreaterThan

from school.collation import normalize_name


def name_filter(field: str, text: str) -> Q:
    """Return a filter for names with words that start with each word of `text`.

    `field` is the name of a sort key field (`school.collation.sort_key`).
    """
    condition = Q()
    for word in normalize_name(text).split():
        # The accents after the words of a sort key contain no space.
        later_word = SubstringPosition(F(field), Value(f" {word}".encode()))
        first_word = SubstringPosition(F(field), Value(word.encode()))
        condition &= Q(GreaterThan(later_word, 0)) | Q(Exact(first_word, 1))
    return condition


class SubstringPosition(Func):
    """Position of the first match in a text or in bytes: counted from 1, 0 without a match."""

    function = "instr"
    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        whole, part = self.get_source_expressions()
        expression = Func(part, whole, function="position", arg_joiner=" IN ")
        return expression.as_sql(compiler, connection)

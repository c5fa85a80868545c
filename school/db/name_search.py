"""Finds names by how their words begin, whatever case and accents, in every database alike."""

from typing import Any

from django.db.models import F, Func, IntegerField, Q, Value
from django.db.models.lookups import Exact, GreaterThan

from school.collation import normalize_name


def name_filter(field: str, text: str) -> Q:
    """Where each word of `text` begins a word of the name that the field is the key of."""
    condition = Q()
    for word in normalize_name(text).split():
        # Past its words the key holds accents, and no space.
        later_word = SubstringPosition(F(field), Value(f" {word}".encode()))
        first_word = SubstringPosition(F(field), Value(word.encode()))
        condition &= Q(GreaterThan(later_word, 0)) | Q(Exact(first_word, 1))
    return condition


class SubstringPosition(Func):
    """Where in a text, or in bytes, others stand first: counted from 1, and 0 if nowhere."""

    function = "instr"
    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        whole, part = self.get_source_expressions()
        expression = Func(part, whole, function="position", arg_joiner=" IN ")
        return expression.as_sql(compiler, connection)

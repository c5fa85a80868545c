"""Finds names by how their words begin, whatever case and accents, in every database alike."""

from typing import Any

from django.db.models import F, Func, IntegerField, Q, Value
from django.db.models.lookups import Exact, GreaterThan

from school.collation import letters


def by_sort_key(field: str, text: str) -> Q:
    """Where each word of `text` begins a word of the name that the field is the key of."""
    found = Q()
    for word in letters(text).split():
        # Past its words the key holds accents, and no space.
        inside = Position(F(field), Value(f" {word}".encode()))
        in_front = Position(F(field), Value(word.encode()))
        found &= Q(GreaterThan(inside, 0)) | Q(Exact(in_front, 1))
    return found


class Position(Func):
    """Where in a text, or in bytes, others stand first: counted from 1, and 0 if nowhere."""

    function = "instr"
    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        whole, part = self.get_source_expressions()
        found = Func(part, whole, function="position", arg_joiner=" IN ")
        return found.as_sql(compiler, connection)

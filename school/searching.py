"""Finds names by how their words begin, whatever case and accents, in every database alike."""

from collections.abc import Callable
from typing import Any

from django.db.models import F, Func, IntegerField, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.lookups import Exact, GreaterThan

from school.sorting import letters


def by_sort_key(field: str, text: str) -> Q:
    """Where each word of `text` begins a word of the name that the field is the key of."""
    # Past its words the key holds accents, and no space.
    return _each_begins(F(field), text, str.encode)


def by_name(field: str, text: str) -> Q:
    """The same of a field that holds the name itself: for tables that are not large."""
    return _each_begins(Letters(field), text, str)


class Letters(Func):
    """What `sorting.letters` makes of a text: in SQLite by itself, see `school/sqlite.py`."""

    function = "letters"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        (text,) = self.get_source_expressions()
        replaced = Func(text, Value(_FROM), Value(_TO), function="translate")
        return replaced.as_sql(compiler, connection)


class Position(Func):
    """Where in a text, or in bytes, others stand first: counted from 1, and 0 if nowhere."""

    function = "instr"
    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        whole, part = self.get_source_expressions()
        found = Func(part, whole, function="position", arg_joiner=" IN ")
        return found.as_sql(compiler, connection)


def _each_begins(
    words_of: Combinable, text: str, encode: Callable[[str], str | bytes]
) -> Q:
    found = Q()
    for word in letters(text).split():
        inside = Position(words_of, Value(encode(f" {word}")))
        in_front = Position(words_of, Value(encode(word)))
        found &= Q(GreaterThan(inside, 0)) | Q(Exact(in_front, 1))
    return found


# Latin letters one by one: each that has another form, and marks that stand alone.
_LATIN = {chr(code): letters(chr(code)) or " " for code in range(0x20, 0x250)}
_REPLACED = {c: bare for c, bare in _LATIN.items() if len(bare) == 1 and bare != c}
_FROM = "".join(_REPLACED) + "".join(map(chr, range(0x300, 0x370)))
_TO = "".join(_REPLACED.values())

"""Name search by word prefixes, ignoring case and accents, alike on every database."""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import BinaryField, Func, IntegerField, Q, Value
from django.db.models.lookups import Exact, GreaterThan, Lookup
from django.db.models.sql.where import AND, OR, WhereNode

from school.collation import normalize_name, split_name

MIN_JOINED_LETTERS = 4
"""Letters from which words around an apostrophe are also searched as one word: "d'a" would
find every name with "da"."""


def name_filter(field: str, text: str) -> Q:
    """Return a filter for names with words that start with each word of `text`.

    `field` is the name of a sort key field (`school.collation.sort_key`).
    """
    return Q(**{f"{field}__name_words": text}) if normalize_name(text) else Q()


@BinaryField.register_lookup
class NameWords(Lookup):
    """Lookup in a sort key: each word of the text starts a word of the name.

    Words around an apostrophe or a hyphen may also be one word in the name, and the other
    way round. A text without words finds nothing.
    """

    lookup_name = "name_words"
    prepare_rhs = False

    def as_sql(self, compiler: Any, _connection: Any) -> Any:
        conditions: list[Any] = [
            self._chunk_condition(words) for words in split_name(self.rhs)
        ]
        if not conditions:
            raise EmptyResultSet
        return compiler.compile(WhereNode(conditions, AND))

    def _chunk_condition(self, words: list[str]) -> WhereNode:
        """Return the condition of words that no space separates."""
        separate = WhereNode([self._starts_word(word) for word in words], AND)
        joined_word = "".join(words)
        if len(words) == 1 or len(joined_word) < MIN_JOINED_LETTERS:
            return separate
        return WhereNode([separate, self._starts_word(joined_word)], OR)

    def _starts_word(self, word: str) -> WhereNode:
        # The accents after the words of a sort key contain no space.
        later_word = SubstringPosition(self.lhs, Value(f" {word}".encode()))
        first_word = SubstringPosition(self.lhs, Value(word.encode()))
        lookups: list[Any] = [GreaterThan(later_word, 0), Exact(first_word, 1)]
        return WhereNode(lookups, OR)


class SubstringPosition(Func):
    """Position of the first match in a text or in bytes: counted from 1, 0 without a match."""

    function = "instr"
    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        whole, part = self.get_source_expressions()
        expression = Func(part, whole, function="position", arg_joiner=" IN ")
        return expression.as_sql(compiler, connection)

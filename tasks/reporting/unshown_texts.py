"""Texts of a report with signs that its format cannot show."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tasks.rendering.columns import Row
from tasks.rendering.table import Table

MAX_EXAMPLES = 10
"""Texts that a result repeats; a poll document stays small."""
MAX_EXAMPLE_LENGTH = 120
"""Characters of a repeated text; no name is longer."""


@dataclass
class UnshownTexts:
    """Count of distinct texts, and the first of them, found while the rows are read."""

    examples: list[str] = field(default_factory=list)
    _hashes: set[int] = field(default_factory=set)

    @property
    def count(self) -> int:
        return len(self._hashes)

    def watch(self, table: Table, can_show: Callable[[str], bool]) -> Table:
        """Return the table with rows whose texts are checked as they are read."""
        indexes = [
            index
            for index, column in enumerate(table.columns)
            if column.name not in table.layout.hidden and not column.labels
        ]
        titles = (str(table.columns[index].title) for index in indexes)
        head = [table.title, *table.letterhead.texts(), *titles]
        self._check(head, can_show)
        return replace(table, rows=self._checked_rows(table.rows, indexes, can_show))

    def _checked_rows(
        self,
        rows: Iterator[Row],
        indexes: Sequence[int],
        can_show: Callable[[str], bool],
    ) -> Iterator[Row]:
        for row in rows:
            cells = (row[index] for index in indexes)
            self._check((cell for cell in cells if isinstance(cell, str)), can_show)
            yield row

    def _check(self, texts: Iterable[str], can_show: Callable[[str], bool]) -> None:
        for text in texts:
            if not can_show(text) and hash(text) not in self._hashes:
                self._hashes.add(hash(text))
                if len(self.examples) < MAX_EXAMPLES:
                    self.examples.append(text[:MAX_EXAMPLE_LENGTH])

"""What a format is given and what it owes."""

from abc import ABC, abstractmethod
from typing import IO, ClassVar

from tasks.rendering.table import Table


class Format(ABC):
    """Writes any table; never learns what report it is."""

    media_type: ClassVar[str]
    extension: ClassVar[str]

    @abstractmethod
    def write_table(self, table: Table, file: IO[bytes]) -> None:
        """Write the whole table to the open file, row by row."""

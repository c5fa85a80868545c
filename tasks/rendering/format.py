"""Base class of output formats."""

from abc import ABC, abstractmethod
from typing import IO, ClassVar

from django.utils.functional import Promise

from tasks.rendering.columns import Audience
from tasks.rendering.table import Table


class Format(ABC):
    """An output format; it writes any table and does not know the report.

    The attributes are all that other code knows of a format.
    """

    label: ClassVar[str | Promise]
    """Name for people who choose a format."""
    media_type: ClassVar[str]
    extension: ClassVar[str]
    audience: ClassVar[Audience]
    is_default: ClassVar[bool] = False
    """True if every report kind without its own list of formats offers the format."""
    sort_order: ClassVar[int] = 100
    """Sort key among the default formats; formats with the same key are sorted by name."""
    is_compressible: ClassVar[bool] = False
    """True if HTTP may compress the files; False if they are compressed already."""
    is_inlined: ClassVar[bool] = False
    """True if the task document contains small results; the file must then be JSON."""
    has_row_schema: ClassVar[bool] = False
    """True if the file is a JSON array of rows as the contract's schema `Row` describes them."""

    is_inline_safe: ClassVar[bool] = False
    """True if a browser may show the files: it runs nothing of them in the service's origin."""
    lacks_signs: ClassVar[bool] = False
    """True if the format cannot show some signs, which `can_show` then knows."""

    @classmethod
    def bare_media_type(cls) -> str:
        """Return the media type without its parameters, such as the charset."""
        return cls.media_type.partition(";")[0]

    @abstractmethod
    def write_table(self, table: Table, file: IO[bytes]) -> None:
        """Write the table to the open file row by row; leave the file open."""

    def can_show(self, text: str) -> bool:
        """Return True if all signs of the text are shown."""
        return True

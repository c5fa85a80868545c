"""Report that runs for a given time in the bulk queue."""

from typing import ClassVar

from tests.reports import slow


class BulkSlow(slow.Slow):
    title = "Slow export"
    queue: ClassVar[str] = "reports.bulk"

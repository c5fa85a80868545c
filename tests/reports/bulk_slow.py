"""The report `slow` in the bulk queue, for tests of queues and quotas.

It differs from `slow_export` by its name only.
"""

from typing import ClassVar

from tests.reports import slow


class BulkSlow(slow.Slow):
    title = "Bulk slow"
    queue: ClassVar[str] = "reports.bulk"

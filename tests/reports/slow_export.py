"""The report `slow` in the bulk queue, for the load of chaos runs."""

from tests.reports.slow import Slow


class SlowExport(Slow):
    title = "Slow export"
    queue = "reports.bulk"

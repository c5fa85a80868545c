"""Report that runs for a given time in the bulk queue."""

from tests.reports.slow import Slow


class SlowExport(Slow):
    title = "Slow export"
    queue = "reports.bulk"

"""A report that runs for a given time, in the queue of the long exports."""

from tests.reports.slow import Slow


class SlowExport(Slow):
    title = "Slow export"
    queue = "reports.bulk"

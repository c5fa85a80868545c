"""Bounds the memory that a report may take, so that it fails instead of its host."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATM = Path("/proc/self/statm")


@contextmanager
def limit_memory(extra_bytes: int) -> Iterator[None]:
    """Let the process take `extra` bytes more than it has; then `MemoryError`.

    Private memory is what is counted: of a file or a library that is mapped the system can
    drop pages. Only Linux counts so; elsewhere there is no bound.
    """
    if sys.platform != "linux":
        yield
        return
    import resource  # not there on Windows

    old_limits = resource.getrlimit(resource.RLIMIT_DATA)
    data_bytes = int(_STATM.read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (data_bytes + extra_bytes, old_limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, old_limits)

"""Bounds the memory that a report may take, so that it fails instead of its host."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAGES = Path("/proc/self/statm")


@contextmanager
def limited(extra: int) -> Iterator[None]:
    """Let the process take `extra` bytes more than it has; then `MemoryError`.

    Private memory is what is counted: of a file or a library that is mapped the system can
    drop pages. Only Linux counts so; elsewhere there is no bound.
    """
    if sys.platform != "linux":
        yield
        return
    import resource  # not there on Windows

    before = resource.getrlimit(resource.RLIMIT_DATA)
    held = int(_PAGES.read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (held + extra, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)

"""Memory limit for a report, so that the report fails and not its host."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATM = Path("/proc/self/statm")


@contextmanager
def limit_memory(extra_bytes: int) -> Iterator[None]:
    """Let the process allocate at most `extra_bytes` more; beyond that, `MemoryError`.

    Only private memory counts, because the system can drop pages of mapped files and
    libraries. RLIMIT_DATA works like this on Linux only; elsewhere there is no limit.
    """
    if sys.platform != "linux":
        yield
        return
    import resource  # not available on Windows

    old_limits = resource.getrlimit(resource.RLIMIT_DATA)
    data_bytes = int(_STATM.read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (data_bytes + extra_bytes, old_limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, old_limits)

"""What is said to Redis, as Redis itself tells it."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis


@contextmanager
def commands_to(url: str) -> Iterator[list[str]]:
    """The commands to that database while the block runs; those of others left out."""
    watcher, marker = redis.Redis.from_url(url), redis.Redis.from_url(url)
    database = marker.get_connection_kwargs()["db"]
    marker.ping()  # connects before anything is watched
    seen: list[str] = []
    with watcher.monitor() as monitor:
        yield seen
        marker.set("watching", "over")
        for entry in monitor.listen():
            if entry["db"] != database:
                continue
            if entry["command"] == "SET watching over":
                break
            seen.append(entry["command"])
    watcher.close()
    marker.close()

"""What is said to Redis, as Redis itself tells it."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis


@contextmanager
def monitor_commands(url: str) -> Iterator[list[str]]:
    """The commands to that database while the block runs; those of others left out."""
    monitor_client, own_client = redis.Redis.from_url(url), redis.Redis.from_url(url)
    database = own_client.get_connection_kwargs()["db"]
    own_client.ping()  # connects before anything is watched
    commands: list[str] = []
    with monitor_client.monitor() as monitor:
        yield commands
        own_client.set("watching", "over")
        for entry in monitor.listen():
            if entry["db"] != database:
                continue
            if entry["command"] == "SET watching over":
                break
            commands.append(entry["command"])
    monitor_client.close()
    own_client.close()

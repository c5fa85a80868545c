"""Recorder of Redis commands, based on `MONITOR`."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis


@contextmanager
def monitor_commands(url: str) -> Iterator[list[str]]:
    """Yield the list of commands sent to that Redis database during the block.

    The list is complete after the block.
    """
    monitor_client, own_client = redis.Redis.from_url(url), redis.Redis.from_url(url)
    database = own_client.get_connection_kwargs()["db"]
    own_client.ping()  # connects before the recording starts
    commands: list[str] = []
    with monitor_client.monitor() as monitor:
        yield commands
        own_client.set("monitor", "end")
        for entry in monitor.listen():
            if entry["db"] != database:
                continue
            if entry["command"] == "SET monitor end":
                break
            commands.append(entry["command"])
    monitor_client.close()
    own_client.close()

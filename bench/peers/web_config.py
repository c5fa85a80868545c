"""Settings that the web peers share with the benchmark; imports the standard library only."""

import os

JWT_KEY = "a-key-of-the-benchmark-that-signs-no-token-of-the-service"
ALGORITHM = "HS256"
REDIS_URL = os.environ.get("PEER_REDIS_URL", "")
"""Redis database of the peers' own keys, messages and results."""
DATABASE_URL = os.environ.get("PEER_DATABASE_URL", "")


def document_key(task_id: str) -> str:
    return f"peer-task:{task_id}"

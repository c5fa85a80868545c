"""Servers of the web peers, with their tokens and data."""

import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
import psycopg
import redis

from bench import peers_environment
from bench.peers import web_config
from bench.runs import ROOT
from bench.web_servers import WebServer, web_server
from school.runtime.embedded_redis import free_port
from tests.support.stack import Stack, create_database

TOKEN_SECONDS = 24 * 3600
CREATE_TABLE = """
    CREATE TABLE peer_task (
        id uuid PRIMARY KEY, owner_id bigint NOT NULL, report varchar(60) NOT NULL,
        parameters jsonb NOT NULL, format varchar(20) NOT NULL, label varchar(200) NOT NULL,
        state varchar(9) NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX peer_task_of_owner ON peer_task (owner_id, id)
"""


@dataclass(frozen=True)
class Peers:
    """The peers' database and Redis, beside those of the service."""

    stack: Stack
    environment: Mapping[str, str]

    @classmethod
    def beside(cls, stack: Stack) -> "Peers":
        database_url = create_database(stack.database_url)
        with psycopg.connect(database_url) as connection:
            connection.execute(CREATE_TABLE)
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "bench.peers.django_settings",
            "PEER_DATABASE_URL": database_url,
            "PEER_REDIS_URL": stack.valkey.url.removesuffix("/0") + "/1",
        }
        return cls(stack, environment)

    @contextmanager
    def fastapi(self) -> Iterator[WebServer]:
        port = free_port()
        options = ["--port", str(port), "--loop", "uvloop", "--http", "httptools"]
        command = ["-m", "uvicorn", "bench.peers.fastapi_service:app", *options]
        with self._server("fastapi", command, port) as server:
            yield server

    @contextmanager
    def django(self) -> Iterator[WebServer]:
        """Run Django with REST framework and with django-ninja."""
        port = free_port()
        command = gunicorn_command(port)
        with self._server("django", command, port) as server:
            yield server

    @contextmanager
    def _server(
        self, name: str, arguments: Sequence[str], port: int
    ) -> Iterator[WebServer]:
        command = [peers_environment.python(), *arguments]
        with web_server(
            name,
            command,
            port,
            folder=self.stack.folder,
            environment=self.environment,
        ) as server:
            yield server

    def write_running_task(self, owner_id: int) -> str:
        """Write a running task for all peers, and return its id."""
        task_id = str(uuid.uuid4())
        document = {
            "task_id": task_id,
            "report": "slow",
            "state": "running",
            "progress": {"done": 100, "total": 12_000, "percent": 0.8},
            "created_at": datetime.now(UTC).isoformat(),
            "started_at": datetime.now(UTC).isoformat(),
            "poll_after_ms": 5000,
            "url": f"/tasks/{task_id}",
        }
        celery_result: dict[str, Any] = {
            "task_id": task_id,
            "status": "PROGRESS",
            "result": {"owner_id": owner_id, **document},
            "traceback": None,
            "children": [],
            "date_done": None,
        }
        client = redis.Redis.from_url(self.environment["PEER_REDIS_URL"])
        client.hset(
            web_config.document_key(task_id),
            mapping={"owner_id": owner_id, "document": json.dumps(document)},
        )
        client.set(f"celery-task-meta-{task_id}", json.dumps(celery_result))
        client.close()
        return task_id


def gunicorn_command(port: int) -> list[str]:
    """Return the arguments of Python for Django on one gevent worker with an access log."""
    return [
        "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()", "--bind", f"127.0.0.1:{port}",
        "--worker-class", "gevent", "--workers", "1", "--keep-alive", "20",
        "--access-logfile", "-", "--no-control-socket",
    ]  # fmt: skip


def peer_token(user_id: int) -> str:
    now = int(time.time())
    claims = {"sub": str(user_id), "iat": now, "exp": now + TOKEN_SECONDS}
    return jwt.encode(claims, web_config.JWT_KEY, web_config.ALGORITHM)

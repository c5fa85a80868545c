"""Example of the generated client: log in, request a report, follow it, download it."""

import hashlib
import os
import sys
import uuid
from typing import TypeVar

import httpx
from school_reports_client import AuthenticatedClient, Client
from school_reports_client.api.auth import log_in
from school_reports_client.api.reports import create_report
from school_reports_client.api.tasks import get_result, get_task
from school_reports_client.models import (
    ClassPerformanceParameters,
    ClassPerformanceRequest,
    ClassPerformanceRequestFormat,
    LoginRequest,
    Problem404,
    TaskDocument,
    TaskState,
    TokenPair,
)
from school_reports_client.types import File

Answer = TypeVar("Answer")


def expect(kind: type[Answer], answer: object) -> Answer:
    """Return the answer, or end with what the problem says to people."""
    if isinstance(answer, kind):
        return answer
    raise SystemExit(getattr(answer, "detail", f"unexpected answer: {answer!r}"))


def log_in_as(base: str, username: str, password: str) -> AuthenticatedClient:
    body = LoginRequest(username=username, password=password)
    tokens = expect(TokenPair, log_in.sync(client=Client(base_url=base), body=body))
    # The read timeout must be longer than `wait`.
    timeout = httpx.Timeout(30)
    return AuthenticatedClient(base_url=base, token=tokens.access, timeout=timeout)


def request_report(client: AuthenticatedClient, class_id: int) -> TaskDocument:
    body = ClassPerformanceRequest(
        report="class_performance",
        parameters=ClassPerformanceParameters(class_id=class_id),
        format_=ClassPerformanceRequestFormat.CSV,
    )
    key = str(uuid.uuid4())
    answer = create_report.sync(client=client, body=body, idempotency_key=key)
    return expect(TaskDocument, answer)


def follow(client: AuthenticatedClient, task: TaskDocument) -> TaskDocument:
    """Wait until the task is final; each request is answered at a change of state."""
    while task.poll_after_ms is not None:
        answer = get_task.sync(task.task_id, client=client, wait=20)
        task = expect(TaskDocument, answer)
        print(task.state, file=sys.stderr)
    return task


def main() -> None:
    client = log_in_as(os.environ["BASE"], "teacher", "demo")
    task = follow(client, request_report(client, class_id=1))
    if task.state is not TaskState.SUCCEEDED or task.result is None:
        raise SystemExit(f"the task ended as {task.state}")
    file = expect(File, get_result.sync(task.task_id, client=client))
    content = file.payload.read()
    if hashlib.sha256(content).hexdigest() != task.result.sha256:
        raise SystemExit("the file is not complete")
    print(task.title, "·", task.about)
    print(task.result.filename, len(content), "bytes")
    missing = get_task.sync(uuid.uuid4(), client=client)
    print(expect(Problem404, missing).code)


if __name__ == "__main__":
    main()

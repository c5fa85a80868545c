"""The words of the matrix: what can be done, and what of an answer counts."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from api.urls import urlpatterns
from tests.support.contract import ContractClient

TASK = "tasks/<uuid:task_id>"
CARD = {"report": "report_card", "parameters": {"student_id": 1, "year": 2026}}
"""Of a child in class 1, whom all but the stranger see, each by another right."""


@dataclass(frozen=True)
class Action:
    """A request; `{etag}` in a header is what the owner of the task has."""

    method: str
    route: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    def by(
        self, client: ContractClient, task_id: uuid.UUID | None = None, etag: str = "*"
    ) -> Any:
        path = self.route.replace("<uuid:task_id>", str(task_id))
        path = path.replace("<slug:kind>", CARD["report"])
        headers = {
            name: value.format(etag=etag) for name, value in self.headers.items()
        }
        body = "" if self.body is None else json.dumps(self.body)
        sent = {"content_type": "application/json", "headers": headers}
        return client.generic(self.method, f"/{path}?{self.query}", body, **sent)


# A wait for what is not known yet ends at once.
NEWS = {"If-None-Match": 'W/"old"'}

ON_TASK = {
    "poll": Action("GET", TASK),
    "peek": Action("HEAD", TASK),
    "wait": Action("GET", TASK, "wait=1", NEWS),
    "known": Action("GET", TASK, headers={"If-None-Match": "{etag}"}),
    "result": Action("GET", f"{TASK}/result"),
    "head": Action("HEAD", f"{TASK}/result"),
    "part": Action("GET", f"{TASK}/result", headers={"Range": "bytes=5-9"}),
    "link": Action("POST", f"{TASK}/result/link"),
    "cancel": Action("POST", f"{TASK}/cancel"),
    "delete": Action("DELETE", TASK),
}
ELSEWHERE = {
    "ask": Action("POST", "reports", body=CARD),
    "ask and wait": Action("POST", "reports", "wait=1", body=CARD),
    "tasks": Action("GET", "tasks"),
    "catalogue": Action("GET", "reports"),
    "entry": Action("GET", "reports/<slug:kind>"),
    "me": Action("GET", "me"),
    "schools": Action("GET", "schools"),
    "classes": Action("GET", "classes"),
    "students": Action("POST", "students/search", body={}),
}
OPEN_TO_ALL = {
    *{("POST", f"auth/{path}") for path in ("token", "token/refresh", "logout")},
    *{("GET", path) for path in ("healthz", "readyz")},
    *{("GET", path) for path in ("openapi.yaml", "docs", "redoc")},
    *{("GET", path) for path in ("problems", "problems/<slug:code>", "")},
}
"""Nothing of anybody's is there."""


def routes() -> set[tuple[str, str]]:
    """Each method of each address that `api/urls.py` has."""
    found = set()
    for pattern in urlpatterns:
        view = getattr(pattern.callback, "cls", None)
        methods = ("get", "post", "put", "patch", "delete") if view else ("get",)
        found |= {
            (method.upper(), str(pattern.pattern))
            for method in methods
            if view is None or hasattr(view, method)
        }
    return found


def told(answer: Any) -> str:
    """The answer in a word: its status, or where it says more its problem's code."""
    content = answer.getvalue()  # which closes a file, too
    if answer.status_code < 400 or not content:
        return str(answer.status_code)
    return str(answer.json()["code"])


def all_of(answer: Any, task_id: uuid.UUID) -> tuple[int, dict[str, str], str]:
    """All that an answer tells, byte by byte, but for the ids of the task and the request."""
    headers = {name: value for name, value in answer.items() if name != "X-Request-ID"}
    body = answer.getvalue().decode()
    for own in (str(task_id), answer["X-Request-ID"]):
        body = body.replace(own, "")
    return answer.status_code, headers, body


def table(text: str) -> dict[str, dict[str, str]]:
    """By row, what stands in each column."""
    head, *lines = text.strip().splitlines()
    columns = head.split()
    rows = [line.split() for line in lines]
    return {name: dict(zip(columns, cells, strict=True)) for name, *cells in rows}

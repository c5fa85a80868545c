"""Requests of the access matrix, and helpers that compare their responses."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from api.urls import urlpatterns

TASK_ROUTE = "tasks/<uuid:task_id>"
REPORT_CARD_REQUEST = {
    "report": "report_card",
    "parameters": {"student_id": 1, "year": 2026},
}
"""A student of class 1. All users but the stranger and the neighbour see it by different rights."""


@dataclass(frozen=True)
class Action:
    """A request; `{etag}` in a header stands for the ETag that the task's owner received."""

    method: str
    route: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    def send(
        self, client: Client, task_id: uuid.UUID | None = None, etag: str = "*"
    ) -> Any:
        path = self.route.replace("<uuid:task_id>", str(task_id))
        path = path.replace("<slug:kind>", REPORT_CARD_REQUEST["report"])
        path = re.sub(r"<int:\w+>", "1", path)
        headers = {
            name: value.format(etag=etag) for name, value in self.headers.items()
        }
        body = "" if self.body is None else json.dumps(self.body)
        options = {"content_type": "application/json", "headers": headers}
        return client.generic(self.method, f"/{path}?{self.query}", body, **options)


# The ETag is out of date, so a long poll with it ends at once.
STALE_ETAG = {"If-None-Match": 'W/"old"'}

TASK_ACTIONS = {
    "poll": Action("GET", TASK_ROUTE),
    "poll_head": Action("HEAD", TASK_ROUTE),
    "wait": Action("GET", TASK_ROUTE, "wait=1", STALE_ETAG),
    "poll_etag": Action("GET", TASK_ROUTE, headers={"If-None-Match": "{etag}"}),
    "result": Action("GET", f"{TASK_ROUTE}/result"),
    "result_head": Action("HEAD", f"{TASK_ROUTE}/result"),
    "result_range": Action(
        "GET", f"{TASK_ROUTE}/result", headers={"Range": "bytes=5-9"}
    ),
    "link": Action("POST", f"{TASK_ROUTE}/result/link"),
    "rerun": Action("POST", f"{TASK_ROUTE}/rerun"),
    "cancel": Action("POST", f"{TASK_ROUTE}/cancel"),
    "delete": Action("DELETE", TASK_ROUTE),
}
TASK_VARIANTS = {
    "watch": Action("GET", TASK_ROUTE, "wait=1&progress=1", STALE_ETAG),
    "page": Action("GET", f"{TASK_ROUTE}/result", headers={"Accept": "text/html"}),
    "page_head": Action(
        "HEAD", f"{TASK_ROUTE}/result", headers={"Accept": "text/html"}
    ),
    "inline": Action("GET", f"{TASK_ROUTE}/result", "inline=1"),
    "long link": Action("POST", f"{TASK_ROUTE}/result/link", body={"expires_in": 600}),
    "rerun with key": Action(
        "POST", f"{TASK_ROUTE}/rerun", "wait=1", {"Idempotency-Key": "again"}
    ),
}
"""The same actions with other headers, queries and bodies."""
TASK_FILTERS = {
    "state": "queued,running,succeeded,failed,canceled,expired",
    "report": REPORT_CARD_REQUEST["report"],
    "format": "json",
    "class_id": "1",
    "created_after": "2000-01-01T00:00:00Z",
    "updated_after": "2000-01-01T00:00:00Z",
}
"""A value of each filter of `GET /tasks` that each task of the tests passes, but `class_id`."""
OTHER_ACTIONS = {
    "ask": Action("POST", "reports", body=REPORT_CARD_REQUEST),
    "ask and wait": Action("POST", "reports", "wait=1", body=REPORT_CARD_REQUEST),
    "tasks": Action("GET", "tasks"),
    "follow tasks": Action("GET", "tasks", "wait=1&total=true", STALE_ETAG),
    "catalogue": Action("GET", "reports"),
    "entry": Action("GET", "reports/<slug:kind>"),
    "me": Action("GET", "me"),
    "log out everywhere": Action("POST", "auth/logout-all"),
    "change password": Action(
        "POST", "auth/password", body={"current": "wrong", "new": "x"}
    ),
    "start otp": Action("POST", "auth/otp", body={"password": "wrong"}),
    "confirm otp": Action("POST", "auth/otp/confirm", body={"otp": "000000"}),
    "remove otp": Action(
        "DELETE", "auth/otp", body={"password": "wrong", "otp": "000000"}
    ),
    "renew recovery codes": Action(
        "POST",
        "auth/otp/recovery-codes",
        body={"password": "wrong", "otp": "000000"},
    ),
    "schools": Action("GET", "schools"),
    "classes": Action("GET", "classes"),
    "school years": Action("GET", "school-years"),
    "grade levels": Action("GET", "grade-levels"),
    "students": Action("POST", "students/search", body={}),
    "school": Action("GET", "schools/<int:school_id>"),
    "class": Action("GET", "classes/<int:class_id>"),
    "school year": Action("GET", "school-years/<int:school_year_id>"),
    "grade level": Action("GET", "grade-levels/<int:grade_level_id>"),
    "student": Action("GET", "students/<int:student_id>"),
}
PUBLIC_ROUTES = {
    *{("POST", f"auth/{path}") for path in ("token", "token/refresh", "logout")},
    *{("GET", path) for path in ("healthz", "readyz", ".well-known/security.txt")},
    *{("GET", path) for path in ("openapi.yaml", "openapi.json", "docs", "redoc")},
    *{("GET", path) for path in ("problems", "problems/<slug:code>", "")},
}
"""Routes that show no user data and need no token."""


def list_routes() -> set[tuple[str, str]]:
    """Return every method and route of `api/urls.py`."""
    routes = set()
    for pattern in urlpatterns:
        view = getattr(pattern.callback, "cls", None)
        methods = ("get", "post", "put", "patch", "delete") if view else ("get",)
        routes |= {
            (method.upper(), str(pattern.pattern))
            for method in methods
            if view is None or hasattr(view, method)
        }
    return routes


def outcome_of(response: Any) -> str:
    """Return the problem code of the response, or its status where it has none."""
    content = response.getvalue()  # also closes the file
    is_problem = response.get("Content-Type") == "application/problem+json"
    if response.status_code < 400 or not content or not is_problem:
        return str(response.status_code)
    return str(response.json()["code"])


def comparable_response(
    response: Any, task_id: uuid.UUID | str
) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body of a response without the task id and the request id.

    `task_id` may be another text that differs between the responses.
    """
    headers = {
        name: value for name, value in response.items() if name != "X-Request-ID"
    }
    body = response.getvalue().decode()
    for identifier in (str(task_id), response["X-Request-ID"]):
        body = body.replace(identifier, "")
    return response.status_code, headers, body


def parse_table(text: str) -> dict[str, dict[str, str]]:
    """Parse a text table into `{row: {column: cell}}`."""
    head, *lines = text.strip().splitlines()
    columns = head.split()
    rows = [line.split() for line in lines]
    return {name: dict(zip(columns, cells, strict=True)) for name, *cells in rows}

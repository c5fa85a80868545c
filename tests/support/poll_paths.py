"""WSGI requests to Django alone, and through the wrapper that answers polls."""

import io
from dataclasses import dataclass, field

from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory

from api.auth.tokens import access_token_for
from api.polls.wsgi import answer_polls

REQUEST_ID = "poll-1"
ORIGIN = "https://app.school.example"
"""Origin of an app that CORS allows."""


@dataclass
class Response:
    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


def send(application, environ):
    """Call a WSGI application; return its response with sorted headers."""
    response = Response()

    def start_response(status, headers, exc_info=None):
        response.status = status
        response.headers = sorted((name.lower(), value) for name, value in headers)

    content = application(dict(environ), start_response)
    response.body = b"".join(content)
    if hasattr(content, "close"):
        content.close()
    return response


class TwoPaths:
    """Django alone, and behind the wrapper that answers polls."""

    def __init__(self):
        self.passed_on = 0
        self.django = get_wsgi_application()
        self.wrapped = answer_polls(self._count_and_pass_on)

    def _count_and_pass_on(self, environ, start_response):
        self.passed_on += 1
        return self.django(environ, start_response)

    def skips_django(self, environ, warm_up=None):
        """Compare both paths; return whether the second equal request skipped Django."""
        send(self.wrapped, environ if warm_up is None else warm_up)
        expected = send(self.django, environ)
        self.passed_on = 0
        response = send(self.wrapped, environ)
        assert response == expected
        return self.passed_on == 0


def poll(viewer, task, path="/tasks/{}", method="GET", **headers):
    headers = {
        "HTTP_AUTHORIZATION": f"Bearer {access_token_for(viewer)}",
        "HTTP_HOST": "testserver",
        "HTTP_X_REQUEST_ID": REQUEST_ID,
        **headers,
    }
    path = path.format(getattr(task, "pk", task))
    environ = RequestFactory().generic(method, path).environ | {
        "wsgi.input": io.BytesIO(b"{}"),
        "CONTENT_TYPE": "",
    }
    environ.pop("HTTP_COOKIE", None)
    environ.update(headers)
    return {name: value for name, value in environ.items() if value is not None}

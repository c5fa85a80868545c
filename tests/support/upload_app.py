"""WSGI application with an upload path, served by gunicorn in the tests of body limits.

It answers with the number of bytes that it has read, or with the problem that ended them.
"""

import os
from collections.abc import Iterable
from typing import Any

import django
from django.conf import settings

from api.http.body_limits import BodyLimit
from api.http.request_bodies import limit_bodies
from api.problems.registry import BodyRefused

MAX_BYTES = 4 * 1024 * 1024

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "school.settings")
django.setup()
settings.BODY_LIMITS = [BodyLimit("/upload", max_bytes=MAX_BYTES, is_upload=True)]


def count_bytes(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    count, status, code = 0, "200 OK", ""
    try:
        while data := environ["wsgi.input"].read(65536):
            count += len(data)
    except BodyRefused as refusal:
        status, code = f"{refusal.status_code} Refused", refusal.code
    content = f"{count} {code}".encode()
    start_response(status, [("Content-Length", str(len(content)))])
    return [content]


application = limit_bodies(count_bytes)

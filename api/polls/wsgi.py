"""WSGI wrapper that answers polls from Redis, and passes on all other requests."""

import logging
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import structlog
from django.http import HttpRequest, HttpResponse
from rest_framework.throttling import BaseThrottle
from structlog.stdlib import ProcessorFormatter

from api.http.long_polling import WaitPreference, wait_for_change
from api.http.middleware import (
    MIN_COMPRESS_BYTES,
    CompressionMiddleware,
    choose_request_id,
)
from api.http.task_responses import (
    CONTENT_TYPE,
    Advice,
    complete_document,
    matches_etag,
    task_headers,
)
from api.polls.middleware_headers import MiddlewareHeaders, key_of
from api.polls.requests import Environment, PollRequest
from tasks.status import reader
from tasks.status.reader import TaskSnapshot

LOGGER = "django_structlog.middlewares.request"
"""Logger of the requests that Django answers: both have the same line."""
log = structlog.get_logger(LOGGER)

WsgiApplication = Any
Response = tuple[HTTPStatus, dict[str, str], bytes]
"""Status, headers and body."""

_logger = logging.getLogger(LOGGER)
_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
_compression = CompressionMiddleware(lambda _request: HttpResponse())


class NeedsDjango(Exception):
    """Redis alone does not tell the response."""


def answer_polls(application: WsgiApplication) -> WsgiApplication:
    """Answer polls of the usual form; pass on what Redis and the token do not decide."""
    middleware_headers = MiddlewareHeaders()

    def wrapper(environ: Environment, start_response: Any) -> Iterable[bytes]:
        try:
            poll = PollRequest.from_environ(environ)
            key = None if poll is None else key_of(environ)
            # At the level DEBUG each request has a second line, which Django writes.
            if poll and key and not _logger.isEnabledFor(logging.DEBUG):
                headers = middleware_headers.get(key)
                if headers is not None:
                    return _answer(poll, headers, start_response)
                start_response = middleware_headers.record(key, start_response)
        except NeedsDjango:
            pass
        except Exception:  # boundary: a poll that fails here must not fail altogether
            log.exception("poll_failed")
        structlog.contextvars.clear_contextvars()
        response: Iterable[bytes] = application(environ, start_response)
        return response

    return wrapper


def _answer(
    poll: PollRequest, middleware_headers: dict[str, str], start_response: Any
) -> Iterable[bytes]:
    """Send the response, and log it as Django's middleware does; raises `NeedsDjango`."""
    request_id = poll.META["HTTP_X_REQUEST_ID"] = choose_request_id(poll.META)
    structlog.contextvars.bind_contextvars(
        request_id=request_id,
        ip=BaseThrottle().get_ident(poll),  # type: ignore[arg-type]
        user_id=poll.claims.user_id,
    )
    status, headers, body = _compress(poll, *_respond(poll, middleware_headers))
    _log_request(poll, status)
    structlog.contextvars.clear_contextvars()
    start_response(
        f"{status.value} {status.phrase}",
        [*headers.items(), ("X-Request-ID", request_id)],
    )
    return [body] if body else []


def _log_request(poll: PollRequest, status: HTTPStatus) -> None:
    """Log the line of the request with the processors that it needs, and no others."""
    event = {
        "code": status.value,
        "request": f"GET {poll.META['PATH_INFO']}",
        "event": "request_finished",
        **structlog.contextvars.get_contextvars(),
        "logger": LOGGER,
        "level": "info",
    }
    arguments, options = ProcessorFormatter.wrap_for_formatter(
        _logger, "info", _stamp(None, "info", event)
    )
    _logger.info(*arguments, **options)  # type: ignore[arg-type]


def _respond(poll: PollRequest, middleware_headers: dict[str, str]) -> Response:
    with WaitPreference.from_request(poll).reserve(poll.claims.user_id) as preference:
        snapshot = wait_for_change(
            poll, poll.task_id, partial(_read, poll), preference.seconds
        )
    advice = Advice.for_task(snapshot)
    headers = task_headers(snapshot, advice) | middleware_headers
    if preference.preference_applied:
        headers["Preference-Applied"] = preference.preference_applied
    if matches_etag(poll, snapshot):
        return HTTPStatus.NOT_MODIFIED, headers, b""
    body = complete_document(snapshot, advice)
    headers["Content-Type"] = CONTENT_TYPE
    headers["Content-Length"] = str(len(body))
    return HTTPStatus.OK, headers, body


def _compress(
    poll: PollRequest, status: HTTPStatus, headers: dict[str, str], body: bytes
) -> Response:
    """Compress a large body as Django's middleware does."""
    if len(body) < MIN_COMPRESS_BYTES:
        return status, headers, body
    response = HttpResponse(body, status=status, headers=headers)
    _compression.process_response(cast(HttpRequest, poll), response)
    return status, dict(response.items()), response.content


def _read(poll: PollRequest) -> TaskSnapshot:
    claims = poll.claims
    snapshot = reader.read_current(
        poll.task_id, viewer_id=claims.user_id, token_version=claims.access_version
    )
    if snapshot is None:
        raise NeedsDjango
    return snapshot

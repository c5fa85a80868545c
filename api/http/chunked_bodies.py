"""Bodies that are sent in chunks, which Django would take for empty."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings

WsgiApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


def buffer_chunked_bodies(application: WsgiApplication) -> WsgiApplication:
    """Give each chunked body a length, reading no more than shows that it is too large."""

    def wrapper(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            body = environ["wsgi.input"].read(settings.MAX_REQUEST_BYTES + 1)
            environ["wsgi.input"] = BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return application(environ, start_response)

    return wrapper

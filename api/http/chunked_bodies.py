"""WSGI wrapper for chunked request bodies, which Django treats as empty."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings

WsgiApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


def buffer_chunked_bodies(application: WsgiApplication) -> WsgiApplication:
    """Buffer each chunked body and set its length; read one byte more than allowed at most."""

    def wrapper(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            body = environ["wsgi.input"].read(settings.MAX_REQUEST_BYTES + 1)
            environ["wsgi.input"] = BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return application(environ, start_response)

    return wrapper

"""Limits of request bodies by path; the settings list them."""

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True)
class BodyLimit:
    """Limit of the bodies at the paths that start with the prefix.

    The whole body must arrive within `MAX_BODY_SECONDS`; an upload may take longer, as long
    as it keeps a minimum rate.
    """

    prefix: str
    max_bytes: int
    is_upload: bool = False


def limit_for(path: str) -> BodyLimit:
    for limit in settings.BODY_LIMITS:
        if path.startswith(limit.prefix):
            return limit
    return BodyLimit("", settings.MAX_REQUEST_BYTES)

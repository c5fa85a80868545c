"""The form of answers: each address has one, and says so to whom that is no use."""

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class IgnoreAccept(DefaultContentNegotiation):
    """The view's first renderer, whatever `Accept` says: for files, which are what they are."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> Any:
        first = next(iter(renderers))
        return first, first.media_type


class SingleMediaType(IgnoreAccept):
    """The view's first renderer, if `Accept` allows it; problems are sent regardless."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> Any:
        first, media_type = super().select_renderer(request, renderers)
        if not request._request.accepts(media_type):
            raise NotAcceptable(media_type)
        return first, media_type

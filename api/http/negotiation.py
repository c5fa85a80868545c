"""Content negotiation: each path has one media type."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class IgnoreAccept(DefaultContentNegotiation):
    """Negotiation that ignores `Accept` and selects the view's first renderer, for files."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> Any:
        first = next(iter(renderers))
        return first, first.media_type


class SingleMediaType(IgnoreAccept):
    """Negotiation of the view's first renderer; 406 if `Accept` does not allow it."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> Any:
        first, media_type = super().select_renderer(request, renderers)
        if not request._request.accepts(media_type):
            text = _("This URL returns only {media_type}: allow it in `Accept`.")
            raise NotAcceptable(text.format(media_type=media_type))
        return first, media_type

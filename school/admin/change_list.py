"""Lists of the admin whose searches are posted, and whose filters show visible records."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.filters import RelatedFieldListFilter
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext as _

from school import record_access
from school.admin import searches


class RelatedRecordFilter(RelatedFieldListFilter):
    """List filter that offers the visible records of a relation."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        records = record_access.choices_for(request.user, field)  # type: ignore[arg-type]
        return [(record.pk, str(record)) for record in records]


class SearchedChangeList(ChangeList):
    """Change list that takes its words from the session."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[Any]:
        self.query = searches.find_search(request) or ""
        queryset: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        return queryset

    def get_filters_params(self, params: Any = None) -> Any:
        filters = super().get_filters_params(params)
        filters.pop(searches.KEY_PARAMETER, None)
        return filters

    @property
    def unsearched_url(self) -> str:
        """URL of the list with its filters, without the search."""
        url: str = self.get_query_string(remove=[searches.KEY_PARAMETER])
        return url


def answer_search(request: HttpRequest) -> HttpResponseRedirect | None:
    """Return the redirect by which a search begins or ends; None if the list may be shown."""
    if request.method == "POST" and searches.WORDS_PARAMETER in request.POST:
        words = request.POST[searches.WORDS_PARAMETER].strip()
        key = searches.save_search(request, words) if words else ""
        return _redirect_to_list(request, key)
    if searches.WORDS_PARAMETER in request.GET:
        return _redirect_to_list(request)
    if searches.KEY_PARAMETER in request.GET and not searches.find_search(request):
        text = _("This search has ended. Please search again.")
        messages.warning(request, text)
        return _redirect_to_list(request)
    return None


def _redirect_to_list(request: HttpRequest, key: str = "") -> HttpResponseRedirect:
    """Redirect to the first page of the list, with its filters and the key of a search."""
    query: QueryDict = request.GET.copy()
    for name in (
        searches.WORDS_PARAMETER,
        searches.KEY_PARAMETER,
        PAGE_VAR,
        ERROR_FLAG,
    ):
        query.pop(name, None)
    if key:
        query[searches.KEY_PARAMETER] = key
    url = f"{request.path}?{query.urlencode()}" if query else request.path
    return HttpResponseRedirect(url)

"""Filter backend of the lists."""

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView


class ListFilterBackend(DjangoFilterBackend):
    """Filter backend that builds no form for a request without filters.

    The library builds one for each request, with a query for each filter by a record.
    """

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> Any:
        filterset = getattr(view, "filterset_class", None)
        if filterset and request.query_params.keys().isdisjoint(filterset.base_filters):
            return queryset
        return super().filter_queryset(request, queryset, view)

"""OpenAPI document as YAML and JSON in each language, and the pages that show it."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import override
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.settings import spectacular_settings
from gevent.monkey import is_module_patched
from gevent.threadpool import ThreadPool
from rest_framework.request import Request

from api.http.negotiation import IgnoreAccept
from api.http.query_params import parse_choice, validate_query
from api.i18n import languages
from api.openapi.operations import DocumentGenerator
from api.openapi.swagger_labels import swagger_labels
from api.views.auth import PublicView
from api.views.docs import read_only

LANGUAGES = [language for language, _name in languages.LANGUAGES]
SIDECAR = "drf_spectacular_sidecar"


class OpenapiDocument(PublicView):
    """Base class of the document in one format."""

    schema = None  # it does not describe itself
    content_negotiation_class = IgnoreAccept
    media_type: str
    file_name: str

    @validate_query(["lang"])
    def get(self, request: Request) -> HttpResponse:
        language = parse_choice(request, "lang", LANGUAGES, default="en")
        return HttpResponse(
            _render_in_thread(language, self.file_name),
            content_type=f"{self.media_type}; charset=utf-8",
            headers={
                "Content-Disposition": f'inline; filename="{self.file_name}"',
                "Content-Language": language,  # regardless of `Accept-Language`
            },
        )


class OpenapiYaml(OpenapiDocument):
    media_type = OpenApiYamlRenderer.media_type
    file_name = "openapi.yaml"


class OpenapiJson(OpenapiDocument):
    media_type = "application/json"
    file_name = "openapi.json"


def _render_in_thread(language: str, file_name: str) -> bytes:
    """Return the document; under gevent a thread builds it, so that other requests go on."""
    if not is_module_patched("threading"):
        return render_document(language, file_name)
    return bytes(_builder_thread().apply(render_document, (language, file_name)))


@cache
def _builder_thread() -> ThreadPool:
    """Return one thread, so that simultaneous requests build the document once."""
    return ThreadPool(1)


@cache
def render_document(language: str, file_name: str) -> bytes:
    """Build the document once, which takes most of a second."""
    if file_name == OpenapiJson.file_name:
        return json.dumps(_build_document(language), ensure_ascii=False).encode()
    renderer: Any = OpenApiYamlRenderer
    return bytes(renderer().render(_build_document(language)))


@cache
def _build_document(language: str) -> Any:
    generator: Any = DocumentGenerator
    return generator(language=language).get_schema(request=None, public=True)


@read_only
def swagger_ui(request: HttpRequest) -> HttpResponse:
    folder = f"{SIDECAR}/swagger-ui-dist"
    context: dict[str, Any] = {
        "bundle": static(f"{folder}/swagger-ui-bundle.js"),
        "style": static(f"{folder}/swagger-ui.css"),
        "icon": static(f"{folder}/favicon-32x32.png"),
        "options": {
            **spectacular_settings.SWAGGER_UI_SETTINGS,
            "url": _document_url(request),
        },
    }
    with override(_page_language(request)):
        context["labels"] = swagger_labels()
    return _page(request, "api/swagger.html", context)


@read_only
def redoc(request: HttpRequest) -> HttpResponse:
    context = {
        "schema_url": _document_url(request),
        "redoc_standalone": static(f"{SIDECAR}/redoc/bundles/redoc.standalone.js"),
    }
    return _page(request, "api/redoc.html", context)


def _page(
    request: HttpRequest, template: str, context: Mapping[str, Any]
) -> HttpResponse:
    language = _page_language(request)
    names = {
        "language": language,
        "languages": languages.LANGUAGES,
    }
    with override(language):
        response = render(request, template, {**names, **context})
    response["Content-Language"] = language
    return response


def _page_language(request: HttpRequest) -> str:
    """Return the language that the address names, else that of the browser."""
    by_code = {language.lower(): language for language in LANGUAGES}
    code = request.GET.get("lang", "").lower()
    return by_code.get(code, languages.current_language())


def _document_url(request: HttpRequest) -> str:
    return f"{reverse('openapi')}?lang={_page_language(request)}"

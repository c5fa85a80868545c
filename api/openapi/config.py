"""Settings of drf-spectacular and the content security policy of the HTML pages."""

from typing import Any

from csp.constants import NONE, SELF

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "style-src": [SELF, "'unsafe-inline'"],  # Swagger UI and ReDoc style inline
        "worker-src": [SELF, "blob:"],
        "object-src": [NONE],
        # `default-src` does not cover these.
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURITY_SCHEMES = {
    "password": {
        "type": "oauth2",
        "flows": {"password": {"tokenUrl": "/auth/token", "scopes": {}}},
    },
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "link": {"type": "apiKey", "in": "query", "name": "link"},
}
"""Ways to send a proof of access; `guide` describes them."""


def spectacular_settings(
    *, version: str, persist_authorization: bool
) -> dict[str, Any]:
    """Return the settings of drf-spectacular."""
    return {
        "TITLE": "School reports",
        "VERSION": version,
        "OAS_VERSION": "3.1.1",
        "COMPONENT_SPLIT_REQUEST": True,
        # Only `operation` publishes a docstring: that of the view's method.
        "DISABLE_DOCSTRING_DESCRIPTIONS": True,
        "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
        "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
        "ENUM_NAME_OVERRIDES": {
            "TaskState": "tasks.states.State",
            "FailureCode": "tasks.failures.FAILURES",
            "Format": "tasks.reporting.registry.format_classes",
            "ColumnType": "tasks.rendering.columns.COLUMN_TYPES",
            "Audience": "tasks.rendering.columns.AUDIENCES",
            "Language": "api.i18n.languages.LANGUAGES",
            "HealthStatus": ["ok", "unavailable"],
        },
        "DEFAULT_GENERATOR_CLASS": "api.openapi.operations.DocumentGenerator",
        "SORT_OPERATIONS": False,  # keep the order of the routes: login first
        "SERVE_INCLUDE_SCHEMA": False,
        "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
        "SERVE_AUTHENTICATION": [],
        "POSTPROCESSING_HOOKS": [
            "drf_spectacular.hooks.postprocess_schema_enums",
            "api.openapi.postprocessing.postprocess_schema",
        ],
        "APPEND_COMPONENTS": {"securitySchemes": SECURITY_SCHEMES},
        "SWAGGER_UI_DIST": "SIDECAR",
        "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
        "REDOC_DIST": "SIDECAR",
        "SWAGGER_UI_SETTINGS": {
            "persistAuthorization": persist_authorization,
            "deepLinking": True,
            "defaultModelsExpandDepth": 0,
            "displayRequestDuration": True,
            "tryItOutEnabled": True,
            "filter": True,
        },
    }

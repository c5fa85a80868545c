"""Catalogue entries: a kind of report, with all that a client needs to build a form for it."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from tasks.reporting import registry
from tasks.reporting.report import Report
from tasks.scheduling import durations

# Method and path of the request that lists the records a parameter may name.
_LOOKUPS = {
    "school_id": ("GET", "/schools"),
    "class_id": ("GET", "/classes"),
    "student_id": ("POST", "/students/search"),
}


def _lookups_for(parameters: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the request that lists the records, for each parameter that names one."""
    return {
        name: {
            "method": _LOOKUPS[name][0],
            "href": f"{settings.PUBLIC_URL}{_LOOKUPS[name][1]}",
            "value": name,
            "label": "name",
        }
        for name in parameters
        if name in _LOOKUPS
    }


def _format_entry(name: str) -> dict[str, str]:
    format = registry.format_classes()[name]
    return {
        "format": name,
        "label": str(format.label),
        "media_type": format.media_type,
        "for": format.audience,
    }


def build_entry(report: type[Report[Any]]) -> dict[str, Any]:
    """Build the entry of a kind of report, in the active language."""
    median_seconds = durations.median_seconds(report.queue, report.kind())
    return {**build_static_entry(report), "median_seconds": median_seconds}


def build_static_entry(report: type[Report[Any]]) -> dict[str, Any]:
    """Build the entry without `median_seconds`, which changes over time."""
    schema = report.parameters_schema()
    return {
        "report": report.kind(),
        "title": str(report.title),
        "description": str(report.description),
        "formats": [_format_entry(name) for name in report.formats],
        "parameters": {**schema, "title": str(report.title)},
        "lookups": _lookups_for(schema["properties"]),
        "example": {
            "report": report.kind(),
            "parameters": dict(report.example),
            "format": report.formats[0],
        },
    }

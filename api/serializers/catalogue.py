"""The entries of the catalogue: what a kind of report is, and what a form for it needs."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from tasks.reporting.report import Report
from tasks.scheduling import durations

# Which request lists what a parameter may name.
_LOOKUPS = {
    "school_id": ("GET", "/schools"),
    "class_id": ("GET", "/classes"),
    "student_id": ("POST", "/students/search"),
}


def _lookups_for(parameters: Iterable[str]) -> dict[str, dict[str, str]]:
    """For those of the parameters that name a record: where records are found."""
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


def build_entry(report: type[Report[Any]]) -> dict[str, Any]:
    """The kind's entry, in the language that is active."""
    median_seconds = durations.median_seconds(report.queue, report.kind())
    return {**build_static_entry(report), "median_seconds": median_seconds}


def build_static_entry(report: type[Report[Any]]) -> dict[str, Any]:
    """All of it that does not change from day to day."""
    schema = report.parameters_schema()
    return {
        "report": report.kind(),
        "title": str(report.title),
        "description": str(report.description),
        "formats": list(report.formats),
        "parameters": {**schema, "title": str(report.title)},
        "lookups": _lookups_for(schema["properties"]),
        "example": {
            "report": report.kind(),
            "parameters": dict(report.example),
            "format": report.formats[0],
        },
    }

"""Catalogue entries: a kind of report, with all that a client needs to build a form for it."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer

from tasks.reporting import registry
from tasks.reporting.parameters import ReportParameters
from tasks.reporting.report import Report
from tasks.scheduling import durations
from tasks.submission.defaults import ViewerDefaults

MAX_PAGE_SIZE = 100
"""Most results of a page, in all lists of records."""


@dataclass(frozen=True)
class _Lookup:
    """Request that lists the records a parameter may name."""

    path: str
    value: str
    """Member of a result that the parameter takes."""
    label_template: str
    method: str = "GET"
    search: str | None = "search"
    """Member of the request that takes what the user types."""
    depends_on: Sequence[str] = ()
    """Parameters that narrow the list, under their names."""
    record: str | None = None
    """Path of one record, by its value."""
    is_list: bool = False


_CLASSES = _Lookup(
    "/classes",
    "class_id",
    "{class_label} · {school_label} · {year_label}",
    depends_on=("school_id", "year"),
    record="/classes/{class_id}",
)
_STUDENTS = _Lookup(
    "/students/search",
    "student_id",
    "{name} · {registration}",
    method="POST",
    search="name",
    depends_on=("school_id", "class_id", "year"),
    record="/students/{student_id}",
)
_LOOKUPS = {
    "year": _Lookup("/school-years", "year", "{year}", search=None),
    "school_id": _Lookup(
        "/schools", "school_id", "{label}", record="/schools/{school_id}"
    ),
    "class_id": _CLASSES,
    "class_ids": replace(_CLASSES, is_list=True),
    "student_id": _STUDENTS,
    "student_ids": replace(_STUDENTS, is_list=True),
}


def _lookups_for(parameters: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the request that lists the records, for each parameter that names one."""
    return {
        name: _lookup_entry(_LOOKUPS[name], parameters)
        for name in parameters
        if name in _LOOKUPS
    }


def _lookup_entry(lookup: _Lookup, parameters: Collection[str]) -> dict[str, Any]:
    return {
        "method": lookup.method,
        "href": f"{settings.PUBLIC_URL}{lookup.path}",
        "value": lookup.value,
        "label": "year" if lookup.value == "year" else "label",
        "label_template": lookup.label_template,
        "search": lookup.search,
        "depends_on": [name for name in lookup.depends_on if name in parameters],
        "multiple": lookup.is_list,
        "record": lookup.record and f"{settings.PUBLIC_URL}{lookup.record}",
        "page_size": "page_size",
        "max_page_size": MAX_PAGE_SIZE,
        "next": "next",
        "cursor": "cursor",
    }


def _format_entry(name: str) -> dict[str, str]:
    format = registry.format_classes()[name]
    return {
        "format": name,
        "label": str(format.label),
        "media_type": format.media_type,
        "for": format.audience,
    }


def _with_defaults(
    model: type[ReportParameters], schema: dict[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the schema with the viewer's defaults.

    If one of the alternatives has a default, the schema also allows objects without any.
    """
    properties = {
        name: {**part, "default": defaults[name]} if name in defaults else part
        for name, part in schema["properties"].items()
    }
    schema = {**schema, "properties": properties}
    if "anyOf" in schema and not defaults.keys().isdisjoint(model.alternatives):
        without_any = {
            "title": _("The default"),
            "properties": {name: {"type": "null"} for name in model.alternatives},
        }
        schema["anyOf"] = [*schema["anyOf"], without_any]
    return schema


def serialize_entry(report: type[Report[Any]], defaults: ViewerDefaults) -> bytes:
    """Return the entry of a kind of report for one viewer as JSON, in the active language."""
    values = defaults.values(report.parameters_model())
    if values.keys() <= {"year"}:
        year = values.get("year")
        entry = _static_json(report, year, get_language(), settings.PUBLIC_URL)
    else:
        entry = _to_json(build_static_entry(report, values))
    median_seconds = durations.median_seconds(report.queue, report.kind())
    return b'%b,"median_seconds":%b}' % (
        entry[:-1],
        json.dumps(median_seconds).encode(),
    )


@lru_cache(maxsize=512)
def _static_json(
    report: type[Report[Any]],
    year: int | None,
    _language: str | None,
    _public_url: str,
) -> bytes:
    """Return the JSON of an entry whose only default may be the year.

    All that it depends on is an argument, so it is made once in a process.
    """
    return _to_json(build_static_entry(report, {} if year is None else {"year": year}))


def _to_json(value: Any) -> bytes:
    content: bytes = JSONRenderer().render(value)
    return content


def build_static_entry(
    report: type[Report[Any]], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Build the entry without `median_seconds`, which changes over time."""
    schema = _with_defaults(
        report.parameters_model(), report.parameters_schema(), defaults
    )
    return {
        "report": report.kind(),
        "title": str(report.title),
        "description": str(report.description),
        "formats": [_format_entry(name) for name in report.formats],
        "parameters": {**schema, "title": str(report.title)},
        "lookups": _lookups_for(schema["properties"].keys()),
        "example": {
            "report": report.kind(),
            "parameters": dict(report.example),
            "format": report.formats[0],
        },
    }

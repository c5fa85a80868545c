"""Line that tells one request from others of its kind, made of names and chosen values."""

from collections.abc import Iterator, Mapping
from typing import Any

from tasks.reporting.parameter_messages import translate_schema
from tasks.reporting.parameters import ReportParameters

SEPARATOR = " · "
MAX_LENGTH = 300


def describe(parameters: ReportParameters, records: Mapping[str, Any]) -> str:
    """Return "1º ano A · Escola Aparecida · 2026" in the active language.

    `records` are those that the parameters name, by the parameter's name. The parts are the
    student, the class, the school, the values chosen from lists, and the year. Empty if the
    parameters select everything that the viewer sees.
    """
    return SEPARATOR.join(dict.fromkeys(_parts(parameters, records)))[:MAX_LENGTH]


def _parts(parameters: ReportParameters, records: Mapping[str, Any]) -> Iterator[str]:
    if student := records.get("student_id"):
        yield student.display_name
    school_class = records.get("class_id")
    if school_class:
        yield school_class.name
    if school := school_class.school if school_class else records.get("school_id"):
        yield school.name
    yield from _chosen_values(parameters)
    if school_class:
        yield str(school_class.school_year)
    elif year := getattr(parameters, "year", None):
        yield str(year)


def _chosen_values(parameters: ReportParameters) -> Iterator[str]:
    """Yield the titles of the values that differ from the default."""
    properties = translate_schema(type(parameters).model_json_schema())["properties"]
    for name, schema in properties.items():
        value = getattr(parameters, name)
        if value != schema.get("default"):
            yield from (
                choice["title"]
                for choice in schema.get("oneOf", ())
                if choice["const"] == value
            )

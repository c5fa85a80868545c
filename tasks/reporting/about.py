"""Line that tells one request from others of its kind, made of names and chosen values."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from django.utils.translation import get_language, ngettext_lazy

from tasks.reporting.parameter_messages import model_schema
from tasks.reporting.parameters import ReportParameters

SEPARATOR = " · "
MAX_LENGTH = 300
MAX_NAMES = 4
"""Names of students or classes that are listed; of more the number is given."""


def describe(parameters: ReportParameters, records: Mapping[str, Any]) -> str:
    """Return "1º ano A · Escola Aparecida · 2026" in the active language.

    `records` are those that the parameters name, by the parameter's name. The parts are the
    student, the class, the school, the values chosen from lists, and the year. Empty if the
    parameters select everything that the viewer sees.
    """
    return SEPARATOR.join(dict.fromkeys(_parts(parameters, records)))[:MAX_LENGTH]


def _parts(parameters: ReportParameters, records: Mapping[str, Any]) -> Iterator[str]:
    students, classes = (_records(records, name) for name in ("student", "class"))
    if students:
        names = [student.display_name for student in students]
        yield _join(names, ngettext_lazy("%(n)s student", "%(n)s students", "n"))
    schools = {one.school_id: one.school for one in classes}
    if classes:
        names = [
            # Classes of several schools may have one name.
            one.name if len(schools) == 1 else f"{one.name} ({one.school.name})"
            for one in classes
        ]
        yield _join(names, ngettext_lazy("%(n)s class", "%(n)s classes", "n"))
    elif school := records.get("school_id"):
        schools = {school.pk: school}
    if len(schools) == 1:
        yield from (school.name for school in schools.values())
    yield from _chosen_values(parameters)
    if classes:
        yield ", ".join(dict.fromkeys(str(one.school_year) for one in classes))
    elif year := getattr(parameters, "year", None):
        yield str(year)


def _records(records: Mapping[str, Any], name: str) -> Sequence[Any]:
    """Return the records that a parameter of one, or of several, names."""
    record = records.get(f"{name}_id")
    return records.get(f"{name}_ids", []) if record is None else [record]


def _join(names: Sequence[str], count_text: Any) -> str:
    """Return the names, or only their number if they are many."""
    if len(names) <= MAX_NAMES:
        has_comma = any("," in name for name in names)  # as in "1º ano, turma 1"
        return ("; " if has_comma else ", ").join(names)
    return str(count_text % {"n": len(names)})


def _chosen_values(parameters: ReportParameters) -> Iterator[str]:
    """Yield the titles of the values that differ from the default."""
    for name, schema in _choices(type(parameters), get_language()).items():
        value = getattr(parameters, name)
        if value != schema.get("default"):
            yield from (
                choice["title"]
                for choice in schema["oneOf"]
                if choice["const"] == value
            )


@cache
def _choices(
    model: type[ReportParameters], _language: str | None
) -> Mapping[str, Mapping[str, Any]]:
    """Return the schemas of the parameters chosen from lists, in the active language."""
    properties = model_schema(model)["properties"]
    return {name: schema for name, schema in properties.items() if "oneOf" in schema}

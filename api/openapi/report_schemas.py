"""Schemas of report requests: one for each kind, with its parameters and formats."""

import json
from collections.abc import Sequence
from typing import Any

from api.serializers import requests
from tasks.reporting import registry

Schema = dict[str, Any]


def add_report_schemas(schemas: Schema) -> Schema:
    """Add a request schema for each kind of report; return an example of each kind and format."""
    mapping, request_examples = {}, {}
    for kind, report in registry.report_classes().items():
        name = "".join(part.capitalize() for part in kind.split("_"))
        parameters, definitions = _extract_definitions(report.parameters_schema(), name)
        schemas |= definitions
        schemas[f"{name}Parameters"] = {
            **_generator_friendly(parameters),
            "title": f"{name}Parameters",
        }
        schemas[f"{name}Request"] = _request_schema(
            kind, name, report.formats, has_required="required" in parameters
        )
        mapping[kind] = f"#/components/schemas/{name}Request"
        body = {"report": kind, "parameters": dict(report.example)}
        for format in report.formats:
            request_examples[f"{kind}, {format}"] = {
                "summary": f"{report.title} ({format})",
                "value": {**body, "format": format},
                "x-group": str(report.title),
            }
    schemas["ReportRequest"] = {
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "report", "mapping": mapping},
    }
    return request_examples


def _extract_definitions(schema: Schema, prefix: str) -> tuple[Schema, Schema]:
    """Separate the `$defs` of pydantic's enums and nested models, as components of the document."""
    text = json.dumps(schema).replace("#/$defs/", f"#/components/schemas/{prefix}")
    schema = json.loads(text)
    definitions = schema.pop("$defs", {})
    return schema, {prefix + name: part for name, part in definitions.items()}


def _generator_friendly(schema: Schema) -> Schema:
    """Remove what client generators misread; the catalogue has it.

    They treat a member with a default as always present, and some replace the members of an
    object by the alternatives beside them.
    """
    properties = {
        name: {key: value for key, value in property_schema.items() if key != "default"}
        for name, property_schema in schema.get("properties", {}).items()
    }
    schema = {
        key: value for key, value in schema.items() if key not in {"anyOf", "allOf"}
    }
    return {**schema, "properties": properties}


def _request_schema(
    kind: str, name: str, formats: Sequence[str], *, has_required: bool
) -> Schema:
    return {
        "type": "object",
        "properties": {
            "report": {"type": "string", "const": kind},
            "parameters": {"$ref": f"#/components/schemas/{name}Parameters"},
            "format": {
                "type": "string",
                "enum": list(formats),
                "description": "Default: `json`.",
            },
            "language": {
                "allOf": [{"$ref": "#/components/schemas/Language"}],
                "description": "Language of the report. Default: that of the request.",
            },
            "label": {
                "type": "string",
                "minLength": 1,
                "maxLength": requests.MAX_LABEL_LENGTH,
                "description": "Your own name for the task, returned with it.",
            },
            "metadata": {
                "type": "object",
                "maxProperties": requests.MAX_METADATA_MEMBERS,
                "propertyNames": {
                    "minLength": 1,
                    "maxLength": requests.MAX_METADATA_NAME_LENGTH,
                },
                "additionalProperties": {
                    "type": "string",
                    "maxLength": requests.MAX_METADATA_TEXT_LENGTH,
                },
                "description": "Your own data of the task, returned with it.",
            },
        },
        "required": ["report", "parameters"] if has_required else ["report"],
        "additionalProperties": False,
    }

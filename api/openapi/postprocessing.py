"""Postprocessing of the OpenAPI document: adds report kinds, codes, examples and the guide."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from api.http.parsers import BoundedFormParser
from api.i18n.languages import current_language
from api.openapi import code_samples, examples, guide, links, report_schemas
from api.openapi.operations import COMMON_HEADER, HEADER_BY_STATUS, SHARED_HEADERS
from api.openapi.response_examples import RESPONSE_EXAMPLES
from api.problems.registry import MEDIA_TYPE, PROBLEMS

Schema = dict[str, Any]

ROW_SCHEMA = {
    "type": "object",
    "description": "A row of a report: its cells by column name. Grades and other "
    "decimals are strings, so that no digit is lost.",
    "additionalProperties": {"type": ["string", "integer", "boolean", "null"]},
}
_REQUEST_BODIES: dict[str, Any] = {
    "log_in": {"username": "secretary", "password": "demo"},
    "refresh_token": {"refresh": "$REFRESH"},
    "change_password": {"current": "demo", "new": "quatro cavalos no rio"},
    "log_out": {"refresh": "$REFRESH"},
    "start_otp": {"password": "demo"},
    "confirm_otp": {"otp": "492039"},
    "remove_otp": {"password": "demo", "otp": "492039"},
    "renew_recovery_codes": {"password": "demo", "otp": "492039"},
    "search_students": {"name": "mari"},
    "create_result_link": {"expires_in": 3600},
}
_TASK_EXAMPLES = {
    ("create_report", "200"): ["succeeded", "succeeded, as csv", "failed"],
    ("create_report", "202"): ["queued", "running"],
    ("rerun_task", "200"): ["succeeded", "succeeded, as csv", "failed"],
    ("rerun_task", "202"): ["queued", "running"],
    ("get_task", "200"): examples.TASK_EXAMPLES,
    ("cancel_task", "202"): ["canceled", "running, to be canceled"],
}
"""Names of the task examples of a response, by operation and status."""


def postprocess_schema(result: Schema, **_: Any) -> Schema:
    """Complete the document; the generator calls this last."""
    components = result["components"]
    schemas = components["schemas"]
    schemas["Row"] = ROW_SCHEMA
    _set_code_enums(schemas)
    reports = report_schemas.add_report_schemas(schemas)
    components["examples"] = {
        **{
            _component_name(name): _task_example(name)
            for name in examples.TASK_EXAMPLES
        },
        **{code: _problem_example(code) for code in PROBLEMS},
    }
    components["headers"] = {
        name: {
            "description": description,
            "schema": {"type": "string"},
            "required": True,
            "example": example,
        }
        for name, (description, example) in SHARED_HEADERS.items()
    }
    bodies = _REQUEST_BODIES | {"create_report": next(iter(reports.values()))["value"]}
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            links.add_links(operation)
            operation["tags"] = [str(guide.TAG_NAMES[it]) for it in operation["tags"]]
            operation["x-codeSamples"] = code_samples.code_samples(
                path, method, operation, bodies.get(operation["operationId"])
            )
            _add_body_examples(operation, bodies, reports)
            _add_response_examples(operation)
            _add_shared_headers(operation)
            for parameter in operation.get("parameters", []):
                _add_parameter_example(parameter)
    result["info"]["description"] = guide.build_guide()
    for name, description in guide.SECURITY_DESCRIPTIONS.items():
        components["securitySchemes"][name]["description"] = description
    result["tags"] = [
        {"name": str(name), "description": guide.TAG_DESCRIPTIONS[tag]}
        for tag, name in guide.TAG_NAMES.items()
    ]
    components["schemas"] = dict(sorted(schemas.items()))
    return result


def _add_shared_headers(operation: Schema) -> None:
    for status, response in operation["responses"].items():
        headers = response.setdefault("headers", {})
        for name in (COMMON_HEADER, HEADER_BY_STATUS.get(status)):
            if name:
                headers[name] = {"$ref": f"#/components/headers/{name}"}


def _set_code_enums(schemas: Schema) -> None:
    """List the codes of each problem status as an enum, so that clients can tell them apart."""
    for name, schema in schemas.items():
        if match := re.fullmatch(r"Problem(\d+)", name):
            status = int(match[1])
            codes = [
                code
                for code, (problem_status, *_) in PROBLEMS.items()
                if problem_status == status
            ]
            schema["properties"]["status"] = {"type": "integer", "const": status}
            schema["properties"]["code"] |= {"enum": codes}


def _add_body_examples(
    operation: Schema, bodies: Mapping[str, Any], reports: Mapping[str, Any]
) -> None:
    """Add the bodies that Swagger UI fills in; they work on the demo network."""
    media_types = operation.get("requestBody", {}).get("content", {})
    for media_type, content in media_types.items():
        if operation["operationId"] == "create_report":
            content["examples"] = reports
        else:
            is_form = media_type == BoundedFormParser.media_type
            content["example"] = ({"grant_type": "password"} if is_form else {}) | {
                name: _("the `refresh` of `POST /auth/token`")
                if value == "$REFRESH"
                else value
                for name, value in bodies[operation["operationId"]].items()
            }


def _add_parameter_example(parameter: Schema) -> None:
    name = parameter["name"]
    if name == "kind":
        parameter["example"] = code_samples.KIND
    elif name in examples.PARAMETER_EXAMPLES:
        # In the schema, because Swagger UI fills in and sends all examples outside it.
        parameter["schema"]["examples"] = [examples.PARAMETER_EXAMPLES[name]]


def _add_response_examples(operation: Schema) -> None:
    for status, response in operation["responses"].items():
        key = (operation["operationId"], status)
        response["description"] = guide.RESPONSE_DESCRIPTIONS.get(
            key, response["description"]
        )
        for media_type, content in response.get("content", {}).items():
            if media_type == MEDIA_TYPE:
                codes = [
                    code
                    for code, (problem_status, *_) in PROBLEMS.items()
                    if problem_status == int(status)
                ]
                content["examples"] = _example_references(codes)
            elif key in _TASK_EXAMPLES:
                content["examples"] = _example_references(_TASK_EXAMPLES[key])
            elif media_type == "application/json" and key in RESPONSE_EXAMPLES:
                content["example"] = RESPONSE_EXAMPLES[key]()


def _example_references(names: Sequence[str]) -> Schema:
    return {
        _component_name(name): {
            "$ref": f"#/components/examples/{_component_name(name)}"
        }
        for name in names
    }


def _component_name(text: str) -> str:
    return re.sub(r"\W+", "_", text)


def _task_example(name: str) -> Schema:
    return {
        "summary": name,
        "value": examples.task_example(name, language=current_language()),
    }


def _problem_example(code: str) -> Schema:
    return {
        "summary": str(PROBLEMS[code].title),
        "value": examples.problem_example(code, language=current_language()),
    }

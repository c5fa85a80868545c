"""Finishes the OpenAPI document: kinds, codes, examples and the guide are spliced in."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from api.openapi import examples, guide, links
from api.openapi.operations import OF_EVERY_ANSWER, OF_STATUS, SHARED
from api.problems.registry import MEDIA_TYPE, PROBLEMS
from tasks.reporting import registry

Schema = dict[str, Any]

ROW = {
    "type": "object",
    "description": "A row of a report: its cells by the names of the columns. Grades and "
    "other decimals are strings, so that no figure of theirs is lost.",
    "additionalProperties": {"type": ["string", "integer", "boolean", "null"]},
}
_BODIES: dict[str, Any] = {
    "log_in": {"username": "secretary", "password": "demo"},
    "refresh_token": {"refresh": "$REFRESH"},
    "log_out": {"refresh": "$REFRESH"},
    "search_students": {"name": "mari"},
}
_PATH_EXAMPLES = {"{task_id}": "$TASK_ID", "{kind}": "class_performance"}
_TASKS = {
    ("create_report", "200"): ["succeeded", "succeeded, as csv", "failed"],
    ("create_report", "202"): ["queued", "running"],
    ("get_task", "200"): examples.STATES,
    ("cancel_task", "202"): ["canceled", "running, to be canceled"],
}
"""Which examples of a task stand for an answer."""


def finish(result: Schema, **_: Any) -> Schema:
    """What no serializer says: called by the generator when all else is there."""
    components = result["components"]
    schemas = components["schemas"]
    schemas["Row"] = ROW
    _name_codes(schemas)
    reports = _splice_reports(schemas)
    components["examples"] = {
        **{_name(name): _task(name) for name in examples.STATES},
        **{code: _problem(code) for code in PROBLEMS},
    }
    components["headers"] = {
        name: {
            "description": description,
            "schema": {"type": "string"},
            "required": True,
            "example": example,
        }
        for name, (description, example) in SHARED.items()
    }
    bodies = _BODIES | {"create_report": next(iter(reports.values()))["value"]}
    for path, operations in result["paths"].items():
        for method, described in operations.items():
            links.add_links(described)
            _add_sample(path, method, described, bodies)
            _add_body_examples(described, bodies, reports)
            _add_answers(described)
            _add_shared_headers(described)
            for parameter in described.get("parameters", []):
                _add_parameter_example(parameter)
    result["info"]["description"] = guide.guide()
    components["securitySchemes"]["bearer"]["description"] = guide.LOG_IN
    for tag in result["tags"]:
        tag.setdefault("description", guide.TAGS.get(tag["name"], ""))
    components["schemas"] = dict(sorted(schemas.items()))
    return result


def _add_shared_headers(described: Schema) -> None:
    for status, answer in described["responses"].items():
        headers = answer.setdefault("headers", {})
        for name in (OF_EVERY_ANSWER, OF_STATUS.get(status)):
            if name:
                headers[name] = {"$ref": f"#/components/headers/{name}"}


def _name_codes(schemas: Schema) -> None:
    """Give the problems of each status their codes, so that clients tell them apart."""
    for name, schema in schemas.items():
        if found := re.fullmatch(r"Problem(\d+)", name):
            status = int(found[1])
            codes = [code for code, (of, *_) in PROBLEMS.items() if of == status]
            schema["properties"]["status"] = {"type": "integer", "const": status}
            schema["properties"]["code"] |= {"enum": codes}


def _splice_reports(schemas: Schema) -> Schema:
    """Give every kind of report its own request schema; an example for each of its formats."""
    mapping, asked = {}, {}
    for kind, report in registry.report_classes().items():
        name = "".join(part.capitalize() for part in kind.split("_"))
        schemas[f"{name}Parameters"] = {
            **_without_defaults(report.parameters_schema()),
            "title": f"{name}Parameters",
        }
        schemas[f"{name}Request"] = _request_schema(kind, name, report.formats)
        mapping[kind] = f"#/components/schemas/{name}Request"
        body = {"report": kind, "parameters": dict(report.example)}
        for format in report.formats:
            asked[f"{kind}, {format}"] = {
                "summary": f"{report.title} ({format})",
                "value": {**body, "format": format},
            }
    schemas["ReportRequest"] = {
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "report", "mapping": mapping},
    }
    return asked


def _without_defaults(schema: Schema) -> Schema:
    """Generators of clients take a member with a default for one that is always there."""
    properties = {
        name: {key: value for key, value in described.items() if key != "default"}
        for name, described in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties}


def _request_schema(kind: str, name: str, formats: Sequence[str]) -> Schema:
    return {
        "type": "object",
        "properties": {
            "report": {"type": "string", "const": kind},
            "parameters": {"$ref": f"#/components/schemas/{name}Parameters"},
            "format": {
                "type": "string",
                "enum": list(formats),
                "description": "`json` where none is named.",
            },
            "language": {
                "allOf": [{"$ref": "#/components/schemas/Language"}],
                "description": "Of the report; the request's where none is named.",
            },
        },
        "required": ["report"],
        "additionalProperties": False,
    }


def _add_sample(
    path: str, method: str, described: Schema, bodies: Mapping[str, Any]
) -> None:
    """A line of curl that runs, once the variables it names are set."""
    for name, value in _PATH_EXAMPLES.items():
        path = path.replace(name, value)
    words = [f'curl -sS -X {method.upper()} "$BASE{path}"']
    if "security" in described:
        words.append('-H "Authorization: Bearer $TOKEN"')
    if body := bodies.get(described["operationId"]):
        text = json.dumps(body).replace('"', '\\"')
        words.append(f'-H "Content-Type: application/json" -d "{text}"')
    described["x-codeSamples"] = [
        {"lang": "Shell", "label": "curl", "source": " \\\n  ".join(words)}
    ]


def _add_body_examples(
    described: Schema, bodies: Mapping[str, Any], reports: Mapping[str, Any]
) -> None:
    """What Swagger UI fills in, so that trying it out is one click on the demo network."""
    for content in described.get("requestBody", {}).get("content", {}).values():
        if described["operationId"] == "create_report":
            content["examples"] = reports
        else:
            content["example"] = {
                name: "what logging in gave" if value == "$REFRESH" else value
                for name, value in bodies[described["operationId"]].items()
            }


def _add_parameter_example(parameter: Schema) -> None:
    name = parameter["name"]
    if name == "kind":
        parameter["example"] = _PATH_EXAMPLES["{kind}"]
    elif name in examples.PARAMETERS:
        # In the schema: Swagger UI would fill in all that stand beside it, and send them.
        parameter["schema"]["examples"] = [examples.PARAMETERS[name]]


def _add_answers(described: Schema) -> None:
    for status, answer in described["responses"].items():
        which = (described["operationId"], status)
        answer["description"] = guide.ANSWERS.get(which, answer["description"])
        for media_type, content in answer.get("content", {}).items():
            if media_type == MEDIA_TYPE:
                codes = [c for c, (of, *_) in PROBLEMS.items() if of == int(status)]
                content["examples"] = _references(codes)
            elif which in _TASKS:
                content["examples"] = _references(_TASKS[which])
            elif media_type == "application/json" and which in examples.ANSWERS:
                content["example"] = examples.ANSWERS[which]()


def _references(names: Sequence[str]) -> Schema:
    return {
        _name(name): {"$ref": f"#/components/examples/{_name(name)}"} for name in names
    }


def _name(words: str) -> str:
    return re.sub(r"\W+", "_", words)


def _task(name: str) -> Schema:
    return {"summary": name, "value": examples.task(name)}


def _problem(code: str) -> Schema:
    return {"summary": str(PROBLEMS[code][1]), "value": examples.of_problem(code)}

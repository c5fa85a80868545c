"""Test client that validates every response against `openapi.yaml`."""

import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.test import Client
from django.test.client import ClientHandler
from jsonschema import Draft202012Validator

from api.auth.tokens import access_token_for
from school.models import User
from tasks.reporting import registry

SPEC_PATH = Path(__file__).parent.parent.parent / "openapi.yaml"
# The C loader, if available, takes a tenth of the Python loader's two seconds.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ContractClient(Client):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.handler = _handler()

    @classmethod
    def for_user(cls, user: User) -> "ContractClient":
        # Read again: the object may be older than the last change of the user's rights.
        token = access_token_for(User.objects.get(pk=user.pk))
        return cls(headers={"Authorization": f"Bearer {token}"})

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        assert_conforms(request["REQUEST_METHOD"], response.wsgi_request.path, response)
        return response

    def post_json(self, path: str, body: object = None, **options: Any) -> Any:
        body = {} if body is None else body
        return self.post(path, body, content_type="application/json", **options)


@cache
def _handler() -> ClientHandler:
    """Return a shared handler: loading the middleware takes longer than a request."""
    return ClientHandler(enforce_csrf_checks=False)


def assert_conforms(method: str, path: str, response: Any) -> None:
    """Assert that the response matches its operation; unknown operations pass."""
    operation = _operation(method, path.rstrip("/"))
    if operation is None:
        return
    response_spec = operation["responses"].get(str(response.status_code))
    assert response_spec, f"{method} {path}: undocumented {response.status_code}"
    for key, header in response_spec.get("headers", {}).items():
        is_present = key in response or not header.get("required", "$ref" in header)
        assert is_present, f"{method} {path}: no {key}"
    if "content" not in response_spec:
        assert not response.content
        return
    media_type = response["Content-Type"].partition(";")[0]
    assert media_type in response_spec["content"], f"{method} {path}: {media_type}"
    # Files are streamed and checked by their own tests.
    if media_type.endswith("json") and not response.streaming:
        is_compressed = response.get("Content-Encoding") == "gzip"
        body = gzip.decompress(response.content) if is_compressed else response.content
        key = operation["operationId"], str(response.status_code), media_type
        _validator(*key).validate(json.loads(body))


def load_spec() -> Any:
    """Return a fresh copy of the committed document, which the caller may modify."""
    return yaml.load(SPEC_PATH.read_text(), _LOADER)


@cache
def _spec() -> Any:
    spec = load_spec()
    # The document does not list the kinds that only tests define.
    kinds = sorted(registry.report_classes().keys() - _documented_kinds(spec))
    test_kinds_schema = {
        "properties": {"report": {"enum": kinds}},
        "required": ["report"],
    }
    spec["components"]["schemas"]["ReportRequest"]["oneOf"].append(test_kinds_schema)
    return spec


def _documented_kinds(spec: Any) -> set[str]:
    mapping = spec["components"]["schemas"]["ReportRequest"]["discriminator"]["mapping"]
    return set(mapping)


@cache
def _routes() -> list[tuple[re.Pattern[str], Any]]:
    return [
        (re.compile(re.sub(r"{\w+}", "[^/]+", template)), operations)
        for template, operations in _spec()["paths"].items()
    ]


def _operation(method: str, path: str) -> Any:
    for pattern, operations in _routes():
        if pattern.fullmatch(path):
            return operations.get(method.lower())
    return None


@cache
def _validator(operation_id: str, status: str, media_type: str) -> Draft202012Validator:
    operations = (op for path in _spec()["paths"].values() for op in path.values())
    operation = next(op for op in operations if op["operationId"] == operation_id)
    schema = operation["responses"][status]["content"][media_type]["schema"]
    return Draft202012Validator(
        {**schema, "components": _spec()["components"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )

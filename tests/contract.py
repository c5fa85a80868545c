"""A test client for which every answer must be as `openapi.yaml` says."""

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

from api.auth import access_token_for
from school.models import User
from tasks import catalogue

SPEC = Path(__file__).parent.parent / "openapi.yaml"


class ContractClient(Client):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.handler = _handler()

    @classmethod
    def of(cls, user: User) -> "ContractClient":
        token = access_token_for(user)
        return cls(headers={"Authorization": f"Bearer {token}"})

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        check(request["REQUEST_METHOD"], response.wsgi_request.path, response)
        return response

    def post_json(self, path: str, body: object = None) -> Any:
        body = {} if body is None else body
        return self.post(path, body, content_type="application/json")


@cache
def _handler() -> ClientHandler:
    """One for all: each would load the middleware anew, which takes longer than a request."""
    return ClientHandler(enforce_csrf_checks=False)


def check(method: str, path: str, response: Any) -> None:
    """Hold the answer to what the document says of that operation, if it is one."""
    operation = _operation(method, path.rstrip("/"))
    if operation is None:
        return
    described = operation["responses"].get(str(response.status_code))
    assert described, f"{method} {path}: undocumented {response.status_code}"
    for name, header in described.get("headers", {}).items():
        is_there = name in response or not header.get("required", "$ref" in header)
        assert is_there, f"{method} {path}: no {name}"
    if "content" not in described:
        assert not response.content
        return
    media_type = response["Content-Type"].partition(";")[0]
    schema = described["content"][media_type]["schema"]
    if media_type.endswith("json") and not response.streaming:  # a file is its test's
        is_packed = response.get("Content-Encoding") == "gzip"
        body = gzip.decompress(response.content) if is_packed else response.content
        _validator(json.dumps(schema)).validate(json.loads(body))


@cache
def _spec() -> Any:
    spec = yaml.safe_load(SPEC.read_text())
    # The kinds that only the tests have are in no document.
    kinds = sorted(catalogue.reports().keys() - _own_kinds(spec))
    of_the_tests = {"properties": {"report": {"enum": kinds}}, "required": ["report"]}
    spec["components"]["schemas"]["ReportRequest"]["oneOf"].append(of_the_tests)
    return spec


def _own_kinds(spec: Any) -> set[str]:
    mapping = spec["components"]["schemas"]["ReportRequest"]["discriminator"]["mapping"]
    return set(mapping)


def _operation(method: str, path: str) -> Any:
    for template, operations in _spec()["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
            return operations.get(method.lower())
    return None


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(
        {**json.loads(schema), "components": _spec()["components"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )

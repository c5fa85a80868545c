"""Parsers of request bodies with limits on size, depth and numbers."""

import json
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from api.problems.registry import Problem

MAX_DEPTH = 16
MAX_FORM_FIELDS = 20
MAX_EXACT_INTEGER = 2**53
"""Largest integer that a float represents exactly."""


class BoundedJSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        data = _parse_json(
            _read_body(stream, (parser_context or {})["request"].headers)
        )
        if _exceeds_depth(data, MAX_DEPTH):
            raise ParseError(_("The JSON is nested too deeply."))
        return data


class BoundedFormParser(BaseParser):
    media_type = "application/x-www-form-urlencoded"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        """Parse the fields; each may occur once."""
        content = _read_body(stream, (parser_context or {})["request"].headers)
        try:
            pairs = parse_qsl(
                content.decode(),
                keep_blank_values=True,
                strict_parsing=True,
                errors="strict",
                max_num_fields=MAX_FORM_FIELDS,
            )
        except ValueError:  # also for text that is not UTF-8
            raise ParseError(_("The body is not a form.")) from None
        fields = dict(pairs)
        if len(fields) < len(pairs):
            raise ParseError(_("A field of the form occurs more than once."))
        return fields


def _read_body(stream: IO[Any], headers: Mapping[str, str]) -> bytes:
    """Read the body, at most `MAX_REQUEST_BYTES`; refuse compressed bodies (zip bombs)."""
    if headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Problem("unsupported_content_encoding")
    limit = settings.MAX_REQUEST_BYTES
    try:
        content: bytes = stream.read(limit + 1)
    except OSError:
        raise ParseError(_("The body was not received completely.")) from None
    if len(content) > limit:
        raise Problem("body_too_large")
    return content


def _parse_json(content: bytes) -> Any:
    try:
        data = json.loads(
            content, parse_constant=_reject_constant, parse_float=_parse_number
        )
        # A lone surrogate can be parsed, but not encoded in a response.
        json.dumps(data, ensure_ascii=False).encode()
    except RecursionError:
        raise ParseError(_("The JSON is nested too deeply.")) from None
    except json.JSONDecodeError as error:
        location = {"line": error.lineno, "column": error.colno}
        detail = _("The body is not JSON: see line {line}, column {column}.")
        raise ParseError(detail.format(**location)) from None
    except UnicodeError:
        raise ParseError(_("The body is not UTF-8.")) from None
    except ValueError:  # `NaN`, or thousands of digits
        raise ParseError(_("The body holds a number that cannot be read.")) from None
    return data


def _exceeds_depth(data: Any, limit: int) -> bool:
    if not isinstance(data, dict | list):
        return False
    members = data.values() if isinstance(data, dict) else data
    return limit == 0 or any(_exceeds_depth(member, limit - 1) for member in members)


def _parse_number(text: str) -> float | int:
    """Convert `2026.0` to an integer: some languages have no other numbers in JSON."""
    number = float(text)
    is_whole = number.is_integer() and abs(number) <= MAX_EXACT_INTEGER
    return int(number) if is_whole else number


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

"""Reads request bodies: bounded JSON, and nothing that cannot be written again."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from api.problems.registry import Problem
from school.db import connections

MAX_DEPTH = 16
MAX_EXACT_INTEGER = 2**53
"""What is larger and has a point may have lost its last digits already."""


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


def _read_body(stream: IO[Any], headers: Mapping[str, str]) -> bytes:
    """The body, unless it is too large; nothing is ever unpacked, so that there are no
    bombs."""
    if headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Problem("unsupported_content_encoding")
    limit = settings.MAX_REQUEST_BYTES
    is_declared_too_large = int(headers.get("Content-Length") or 0) > limit
    # Who the client is was looked up already, and it may send its body as slowly as it likes.
    connections.release()
    try:
        content: bytes = b"" if is_declared_too_large else stream.read(limit + 1)
    except OSError:
        raise ParseError(_("The body did not arrive.")) from None
    if is_declared_too_large or len(content) > limit:
        raise Problem("body_too_large")
    return content


def _parse_json(content: bytes) -> Any:
    try:
        data = json.loads(
            content, parse_constant=_reject_constant, parse_float=_parse_number
        )
        # Half a surrogate pair parses, but no answer could repeat it.
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
    """`2026.0` is a whole number in JSON, and some languages write no other."""
    number = float(text)
    is_whole = number.is_integer() and abs(number) <= MAX_EXACT_INTEGER
    return int(number) if is_whole else number


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

"""Reads request bodies: bounded JSON, and nothing that cannot be written again."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from api.problems import Problem

MAX_BYTES = 64 * 1024


class BoundedJSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise Problem("body_too_large")
        try:
            data = json.loads(content, parse_constant=_refuse_constant)
            # Half a surrogate pair parses, but no answer could repeat it.
            json.dumps(data, ensure_ascii=False).encode()
        except RecursionError:
            raise ParseError(_("The JSON is nested too deeply.")) from None
        except json.JSONDecodeError as error:
            place = {"line": error.lineno, "column": error.colno}
            detail = _("The body is not JSON: see line {line}, column {column}.")
            raise ParseError(detail.format(**place)) from None
        except UnicodeError:
            raise ParseError(_("The body is not UTF-8.")) from None
        except ValueError:  # `NaN`, or thousands of digits
            raise ParseError(
                _("The body holds a number that cannot be read.")
            ) from None
        return data


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

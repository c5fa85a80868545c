"""What schemathesis cannot know: for which reasons a well-formed request may be refused."""

import json

import schemathesis

ACCEPTED_CODES = {
    "not_found": "a record that is not there, or not the viewer's",
    "invalid_choice": "the same, in a filter",
    "invalid": "a cursor that nobody was given, or a day that has no such instant in UTC",
    "too_few_letters": "a name of which accents and signs do not count",
    "blank": "white space alone, which regular expressions tell apart in many ways",
    "null_characters_not_allowed": "a NUL, which no client sends and no database takes",
    "value_error": "parameters that need each other",
}
"""By the `code` of the flaw."""

INVALID_POINTERS = ("/cursor", "/created_after")
"""The only members that may be `invalid`."""


@schemathesis.check
def check_rejection_reasons(ctx, response, case):
    meta = case.meta
    if response.status_code != 400 or not (meta and meta.generation.mode.is_positive):
        return
    for error in json.loads(response.content).get("errors") or [{"code": "?"}]:
        is_accepted_code = error["code"] in ACCEPTED_CODES
        if error["code"] == "invalid":
            is_accepted_code = error["pointer"] in INVALID_POINTERS
        assert is_accepted_code, f"{error}: let the schema say it"


@schemathesis.check
def check_whole_results(ctx, response, case):
    is_result = case.operation.definition.raw.get("operationId") == "get_result"
    # The tool tries other methods, too, by the same case.
    if is_result and case.method == "GET" and response.status_code != 206:
        case.operation.schema.validate_response(case.operation, response, case=case)


@schemathesis.check
def check_no_server_error(ctx, response, case):
    """The tool's own check lets 5xx pass where the document has it, as for a Redis away."""
    assert response.status_code < 500, response.status_code

"""What schemathesis cannot know: for which reasons a well-formed request may be refused."""

import json

import schemathesis

REASONS = {
    "not_found": "a record that is not there, or not the viewer's",
    "invalid_choice": "the same, in a filter",
    "invalid": "a cursor that nobody was given, or a day that has no such instant in UTC",
    "too_few_letters": "a name of which accents and signs do not count",
    "blank": "white space alone, which regular expressions tell apart in many ways",
    "null_characters_not_allowed": "a NUL, which no client sends and no database takes",
    "value_error": "parameters that need each other",
}
"""By the `code` of the flaw."""

UNREADABLE = ("/cursor", "/created_after")
"""The only members that may be `invalid`."""


@schemathesis.check
def refused_only_for_what_no_schema_says(ctx, response, case):
    meta = case.meta
    if response.status_code != 400 or not (meta and meta.generation.mode.is_positive):
        return
    for flaw in json.loads(response.content).get("errors") or [{"code": "?"}]:
        is_known = flaw["code"] in REASONS
        if flaw["code"] == "invalid":
            is_known = flaw["pointer"] in UNREADABLE
        assert is_known, f"{flaw}: let the schema say it"


@schemathesis.check
def whole_results_conform(ctx, response, case):
    is_result = case.operation.definition.raw.get("operationId") == "get_result"
    # The tool tries other methods, too, by the same case.
    if is_result and case.method == "GET" and response.status_code != 206:
        case.operation.schema.validate_response(case.operation, response, case=case)


@schemathesis.check
def no_fault_of_ours_is_expected(ctx, response, case):
    """The tool's own check lets 5xx pass where the document has it, as for a Redis away."""
    assert response.status_code < 500, response.status_code

"""Checks for schemathesis that depend on the data, not only on the schema."""

import json

import schemathesis

ACCEPTED_CODES = {
    "not_found": "a record that does not exist or is not visible to the viewer",
    "invalid": "a forged cursor, or a date without an equivalent instant in UTC",
    "too_few_letters": "a name in which accents and signs do not count as letters",
    "blank": "white space, which regular expression dialects define differently",
    "null_characters_not_allowed": "a NUL character, which no database accepts",
    "value_error": "parameters that depend on each other",
    "wrong_password": "a password that is not the viewer's",
    "password_incorrect": "the same",
    "password_unchanged": "the present password as the new one",
    "otp_not_valid": "a code that is not the viewer's",
    "second_factor_not_started": "a second factor that was not begun",
    "second_factor_exists": "a second factor that exists already",
    "password_too_short": "a password that the rules refuse",
    "password_too_common": "the same",
    "password_entirely_numeric": "the same",
    "password_too_similar": "the same",
}
"""Reasons for which a valid request may be refused, by the `code` of the error."""

INVALID_POINTERS = ("/cursor", "/created_after", "/updated_after")
"""JSON pointers of the only members that may be `invalid`."""


@schemathesis.check
def check_rejection_reasons(ctx, response, case):
    meta = case.meta
    if response.status_code != 400 or not (meta and meta.generation.mode.is_positive):
        return
    for error in json.loads(response.content).get("errors") or [{"code": "?"}]:
        is_accepted_code = error["code"] in ACCEPTED_CODES
        if error["code"] == "invalid":
            is_accepted_code = error["pointer"] in INVALID_POINTERS
        assert is_accepted_code, f"{error}: not documented in the schema"


@schemathesis.check
def check_whole_results(ctx, response, case):
    is_result = case.operation.definition.raw.get("operationId") == "get_result"
    # Schemathesis also tries other methods with the same case.
    if is_result and case.method == "GET" and response.status_code != 206:
        case.operation.schema.validate_response(case.operation, response, case=case)


@schemathesis.check
def check_no_server_error(ctx, response, case):
    """Fail on any 5xx, also on documented ones, which schemathesis accepts."""
    assert response.status_code < 500, response.status_code

"""Titles and error messages of report parameters, in the active language."""

from functools import lru_cache
from typing import Any

from django.utils.translation import get_language, gettext, gettext_noop
from pydantic import BaseModel

_TITLES = {
    "school_id": gettext_noop("School"),
    "class_id": gettext_noop("Class"),
    "class_ids": gettext_noop("Classes"),
    "student_id": gettext_noop("Student"),
    "student_ids": gettext_noop("Students"),
    "year": gettext_noop("School year"),
    "term": gettext_noop("Term"),
    "list": gettext_noop("List"),
    "table": gettext_noop("Table"),
}

# Keyed by pydantic's error type. English clients get pydantic's own text, so these msgids
# only need to be close to it.
_MESSAGES = {
    "missing": gettext_noop("Field required"),
    "model_type": gettext_noop("Input should be an object"),
    "int_type": gettext_noop("Input should be a valid integer"),
    "float_type": gettext_noop("Input should be a valid number"),
    "bool_type": gettext_noop("Input should be a valid boolean"),
    "string_type": gettext_noop("Input should be a valid string"),
    "list_type": gettext_noop("Input should be a valid array"),
    "date_type": gettext_noop("Input should be a valid date"),
    "date_parsing": gettext_noop("Input should be a valid date in the format YYYY-MM-DD"),
    "date_from_datetime_parsing": gettext_noop("Input should be a valid date in the format YYYY-MM-DD"),
    "literal_error": gettext_noop("Input should be one of these: {expected}"),
    "enum": gettext_noop("Input should be one of these: {expected}"),
    "greater_than": gettext_noop("Input should be greater than {gt}"),
    "greater_than_equal": gettext_noop("Input should be greater than or equal to {ge}"),
    "less_than": gettext_noop("Input should be less than {lt}"),
    "less_than_equal": gettext_noop("Input should be less than or equal to {le}"),
    "string_too_short": gettext_noop("String should have at least {min_length} characters"),
    "string_too_long": gettext_noop("String should have at most {max_length} characters"),
    "string_pattern_mismatch": gettext_noop("String should match pattern '{pattern}'"),
    "too_short": gettext_noop("List should have at least {min_length} items"),
    "too_long": gettext_noop("List should have at most {max_length} items"),
}  # fmt: skip


def parameter_title(name: str, _field: object) -> str:
    """Return a parameter's untranslated (English) title, as stored in the schema."""
    return _TITLES.get(name, name.replace("_", " ").capitalize())


def model_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a model in the active language, which callers must not change.

    It is made once for each language: pydantic takes a millisecond.
    """
    return _model_schema(model, get_language())


@lru_cache(maxsize=256)
def _model_schema(model: type[BaseModel], _language: str | None) -> dict[str, Any]:
    schema: dict[str, Any] = translate_schema(model.model_json_schema())
    return schema


def translate_schema(schema: Any) -> Any:
    """Translate the titles and descriptions of a JSON Schema into the active language."""
    if isinstance(schema, list):
        return [translate_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        # A parameter may be named `title`; its value is then a schema and not a string.
        name: gettext(part)
        if name in {"title", "description"} and isinstance(part, str)
        else translate_schema(part)
        for name, part in schema.items()
    }


def error_message(error: Any) -> str:
    """Return the message of a pydantic error, in the active language."""
    if error["type"] == "extra_forbidden":
        return gettext("There is no such parameter.")
    msgid = _MESSAGES.get(error["type"], "")
    template = gettext(msgid)
    if template == msgid:
        text: str = error["msg"]
        return text.removeprefix(
            "Value error, "
        )  # the rest is the report's own message
    context = dict(error.get("ctx", {}))
    if "expected" in context:
        context["expected"] = context["expected"].replace("' or '", "', '")
    return template.format(**context)

from typing import Annotated, Literal

import pytest
from django.utils.translation import gettext_noop, override
from pydantic import Field, ValidationError

from tasks.errors import InvalidRequest
from tasks.reporting import parameter_messages, registry
from tasks.reporting.parameters import ReportParameters
from tasks.reporting.selection import parse_parameters

KINDS = {
    kind: report
    for kind, report in registry.report_classes().items()
    if report.__module__.startswith("tasks.reports.")
}
ODD_VALUES = [None, "x", "", "a" * 1000, 1.5, 0, -1, 2**80, True, [], [1, "x"], {},
       "2026-02-31", "2026-02-03T10:00:00"]  # fmt: skip


class OddParameters(ReportParameters):
    title: Literal["School", "Class", "Term"] = "Class"
    words: Annotated[str, Field(min_length=2, max_length=3)] = "aa"
    pages: list[int] = Field(default=[], description=gettext_noop("Only this term."))


def validation_errors(model, value):
    try:
        model.model_validate(value)
    except ValidationError as error:
        return error.errors()
    return []


def error_details(model, value, language):
    with override(language), pytest.raises(InvalidRequest) as caught:
        parse_parameters(model, value)
    return [error.detail for error in caught.value.field_errors]


@pytest.mark.guarantee("Every parameter error has a Portuguese message.")
@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_error_has_portuguese_message(kind):
    model = KINDS[kind].parameters_model()
    errors = [
        error for value in ODD_VALUES for error in validation_errors(model, value)
    ]
    for name in [*model.model_fields, "surprise"]:
        errors += [
            error
            for value in ODD_VALUES
            for error in validation_errors(model, {name: value})
        ]
    pydantic_errors = [error for error in errors if error["type"] != "value_error"]

    assert pydantic_errors
    with override("pt-br"):
        untranslated = {
            e["type"]
            for e in pydantic_errors
            if parameter_messages.error_message(e) == e["msg"]
        }
    assert untranslated == set()


@pytest.mark.parametrize(
    ("value", "portuguese", "english"),
    [
        ({"title": 1}, "O valor deve ser um destes: 'School', 'Class', 'Term'",
         "Input should be 'School', 'Class' or 'Term'"),
        ({"words": "x"}, "O texto deve ter pelo menos 2 caractere(s)",
         "String should have at least 2 characters"),
        ({"pages": 1}, "O valor deve ser uma lista", "Input should be a valid array"),
        ({"color": 1}, "Esse parâmetro não existe.", "There is no such parameter."),
        ([], "O valor deve ser um objeto", "Input should be an object"),
    ],
)  # fmt: skip
def test_error_detail_is_in_active_language(value, portuguese, english):
    assert error_details(OddParameters, value, "pt-br") == [portuguese]
    assert error_details(OddParameters, value, "en") == [english]


def test_error_without_own_message_keeps_library_message():
    error = {"type": "url_parsing", "msg": "Input should be a valid URL"}

    with override("pt-br"):
        assert parameter_messages.error_message(error) == "Input should be a valid URL"


def test_translate_schema_translates_only_text():
    with override("pt-br"):
        schema = parameter_messages.translate_schema(OddParameters.model_json_schema())

    assert schema["title"] == "Parâmetros"
    assert schema["properties"]["pages"]["description"].startswith("Somente este")
    assert schema["properties"]["title"]["enum"] == ["School", "Class", "Term"]
    assert schema["properties"]["title"]["default"] == "Class"


def test_model_schema_is_made_once_for_each_language():
    def in_language(name):
        with override(name):
            return parameter_messages.model_schema(OddParameters)

    portuguese, english = in_language("pt-br"), in_language("en")

    assert in_language("pt-br") is portuguese
    assert in_language("en") is english
    assert [portuguese["title"], english["title"]] == ["Parâmetros", "Parameters"]

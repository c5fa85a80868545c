"""OpenAPI document in Portuguese."""

import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from api.openapi import guide, translation
from tests.support.contract import load_spec

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("the document does not depend on the database"),
]

DATA_NAMES = ("example", "value", "default", "const", "enum", "x-codeSamples")
SAME_IN_BOTH = {"Links", "Cursor"}
"""Words of both languages."""
ENGLISH_WORD = re.compile(
    r"\b(the|of|and|you|your|if|with|which|that|was|were|have|has|been|until)\b",
    re.I,
)


@pytest.fixture(scope="module")
def english():
    return load_spec()


@pytest.fixture
def portuguese(client):
    return client.get("/openapi.json?lang=pt-BR").json()


def texts_by_path(node, path=()):
    """Return every text for people in the document, by its path."""
    if isinstance(node, list):
        items = enumerate(node)
    elif isinstance(node, dict):
        items = node.items()
    else:
        return {}
    texts = {}
    for name, value in items:
        is_property = path[-1:] == ("properties",)
        if not is_property and name in DATA_NAMES:
            continue
        is_text = name in ("description", "summary", "title", "x-group")
        if is_text and isinstance(value, str) and value:
            texts[*path, name] = value
        else:
            texts |= texts_by_path(value, (*path, name))
    return texts


def test_property_named_as_a_member_of_a_schema_is_translated(portuguese):
    lookup = portuguese["components"]["schemas"]["LookupDocument"]["properties"]

    assert lookup["value"]["description"].startswith("Membro de um resultado")


def has_words(path, text):
    """Return whether a translation is due: not for codes and names of components."""
    is_component_name = len(path) > 1 and path[-2] == text
    prose = re.sub(r"`[^`]+`|\[\w+\]\([\w/]+\)", "", text)
    return re.search(r"[^\W\d_]{2}", prose) is not None and not is_component_name


@pytest.mark.guarantee("The contract is complete in Portuguese.")
def test_every_text_is_translated(english, portuguese):
    english_texts, texts = texts_by_path(english), texts_by_path(portuguese)

    untranslated = {
        text
        for path, text in english_texts.items()
        if has_words(path, text) and texts[path] == text
    }
    with_english_words = {
        text
        for path, text in texts.items()
        if path in english_texts  # not of the kinds that only tests define
        and ENGLISH_WORD.search(re.sub(r"`[^`]+`|\[.*?\]\(.*?\)|\"[^\"]+\"", "", text))
    }
    assert len(english_texts) > 500
    assert untranslated == SAME_IN_BOTH
    assert with_english_words == set()


def test_names_of_tags_are_translated_wherever_they_stand(english, portuguese):
    def names(document):
        return [tag["name"] for tag in document["tags"]]

    def tags_by_operation(document):
        operations = (it for path in document["paths"].values() for it in path.values())
        return {it["operationId"]: it["tags"] for it in operations}

    translations = dict(zip(names(english), names(portuguese), strict=True))
    assert len(set(translations.values())) == len(translations)
    assert translations["tasks"] == "tarefas"
    assert all(name != translation for name, translation in translations.items())
    assert tags_by_operation(portuguese) == {
        id: [translations[name] for name in tags]
        for id, tags in tags_by_operation(english).items()
    }


def test_documents_differ_in_texts_and_examples_only(english, portuguese):
    def skeleton(node):
        if isinstance(node, dict):
            return {
                name: skeleton(value)
                for name, value in node.items()
                if name not in ("example", "examples", "x-group", "tags")
                and not (
                    name in ("description", "summary", "title")
                    and isinstance(value, str)
                )
            }
        return list(map(skeleton, node)) if isinstance(node, list) else node

    served = skeleton(portuguese)
    committed = skeleton(english)
    served["components"]["schemas"] = {
        name: schema
        for name, schema in served["components"]["schemas"].items()
        if name in committed["components"]["schemas"]
    }
    for document in (served, committed):  # the tests have kinds of their own
        del document["components"]["schemas"]["ReportRequest"]
    assert served == committed


def test_portuguese_document_is_valid_and_its_examples_too(portuguese):
    validate(portuguese)

    examples = portuguese["components"]["examples"]
    schema = {
        "$ref": "#/components/schemas/TaskDocument",
        "components": portuguese["components"],
    }
    Draft202012Validator(schema).validate(examples["queued"]["value"])
    assert examples["queued"]["value"]["language"] == "pt-BR"
    assert examples["failed"]["value"]["error"]["title"] == "O relatório demorou demais"
    assert examples["not_found"]["value"]["title"] == "Não encontrado"
    refresh = portuguese["paths"]["/auth/token/refresh"]["post"]["requestBody"]
    assert refresh["content"]["application/json"]["example"] == {
        "refresh": "o `refresh` de `POST /auth/token`"
    }
    classes = portuguese["paths"]["/classes"]["get"]["responses"]["200"]["content"]
    (record,) = classes["application/json"]["example"]["results"]
    assert (record["shift"], record["shift_label"]) == ("morning", "Manhã")


@pytest.mark.parametrize("language", ["pt", "fr", "", "en-US", "pt_BR"])
@pytest.mark.parametrize("path", ["/openapi.yaml", "/openapi.json"])
def test_other_language_is_refused(client, path, language):
    answer = client.get(f"{path}?lang={language}")

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (400, "/lang")


def test_language_may_be_in_small_letters(client, portuguese):
    assert client.get("/openapi.json?lang=pt-br").json() == portuguese


def outline(text):
    """Return what the guide must have in every language: its form and its codes."""
    lines = [
        re.match(r"(# |\d\. |- |\| `\w+`|)", line)[0] for line in text.splitlines()
    ]
    codes = sorted(set(re.findall(r"`[^`]+`", text)))
    links = sorted(set(re.findall(r"\]\((.*?)\)", text)))
    return [line for line in lines if line], codes, links


@pytest.mark.guarantee("The contract is complete in Portuguese.")
def test_guides_have_the_same_outline():
    texts = {language: path.read_text() for language, path in guide.GUIDE_PATHS.items()}

    outlines = {language: outline(text) for language, text in texts.items()}
    assert outlines["pt-BR"][0] == outlines["en"][0]
    assert outlines["pt-BR"][1] == outlines["en"][1]
    assert outlines["pt-BR"][2] == outlines["en"][2]
    same_lines = {*texts["en"].splitlines()} & {*texts["pt-BR"].splitlines()}
    assert same_lines == {"", "<!-- table of states -->", "|---|---|---|"}


def test_translation_leaves_the_english_document_unchanged(english, client):
    before = client.get("/openapi.json").json()
    translation.translate_document(before)
    client.get("/openapi.json?lang=pt-BR")

    assert client.get("/openapi.json").json()["paths"] == before["paths"]
    assert before["info"] == english["info"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
@pytest.mark.parametrize(
    ("header", "query", "language"),
    [
        ("pt-BR", "", "pt-BR"),
        ("en-US", "", "en"),
        ("pt-BR", "?lang=en", "en"),
        ("en", "?lang=pt-BR", "pt-BR"),
        ("en", "?lang=pt-br", "pt-BR"),
        ("en", "?lang=x", "en"),
    ],
)
def test_page_of_documentation_has_one_language(client, path, header, query, language):
    page = client.get(f"{path}{query}", headers={"Accept-Language": header})

    assert f"/openapi.yaml?lang={language}" in page.content.decode()
    title = "School reports" if language == "en" else "Relatórios escolares"
    assert f"<title>{title}</title>" in page.content.decode()
    assert page["Content-Language"] == language

import pytest
import yaml
from django.test import Client
from django.utils.translation import override

from api.problems.registry import PROBLEMS
from school.models import SchoolYear
from tasks.rendering.format_registry import default_formats
from tests.support.contract import load_spec
from tests.support.task_factories import run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("translation does not depend on the database"),
]

REPORT_REQUEST = {"report": "class_performance", "parameters": {"class_id": 1}}
LANGUAGE_HEADERS = [
    ("en", "en"),
    ("en-US,en;q=0.9", "en"),
    ("fr, en;q=0.5", "en"),
    ("pt", "pt-BR"),
    ("pt-PT", "pt-BR"),
    ("pt-BR,pt;q=0.9,en;q=0.8", "pt-BR"),
    ("fr", "pt-BR"),
    ("nonsense;;q=", "pt-BR"),
    (None, "pt-BR"),
]
FORMATS = ", ".join(default_formats())
NOT_FOUND = {"en": "Not found", "pt-BR": "Não encontrado"}


def language_header(language):
    return {} if language is None else {"Accept-Language": language}


def error_details(client, language, **body):
    response = client.post(
        "/reports",
        {**REPORT_REQUEST, **body},
        content_type="application/json",
        headers=language_header(language),
    )
    return [error["detail"] for error in response.json()["errors"]]


@pytest.mark.parametrize(("header", "language"), LANGUAGE_HEADERS)
def test_response_language_follows_accept_language(header, language):
    answer = Client().get("/nothing", headers=language_header(header))

    assert answer.json()["title"] == NOT_FOUND[language]
    assert answer["Content-Language"].lower() == language.lower()
    assert "Accept-Language" in answer["Vary"]


@pytest.mark.parametrize(("header", "language"), LANGUAGE_HEADERS)
def test_task_without_language_takes_it_from_the_header(
    as_user, teacher, header, language
):
    answer = as_user(teacher).post(
        "/reports",
        REPORT_REQUEST,
        content_type="application/json",
        headers=language_header(header),
    )

    assert answer.json()["language"] == language


@pytest.mark.parametrize("code", PROBLEMS)
def test_problem_titles_are_translated(code):
    _status, *texts = PROBLEMS[code]
    by_language = []
    for language in ("pt-br", "en"):
        with override(language):
            by_language.append([str(text) for text in texts])

    portuguese, english = by_language
    assert all(a != b for a, b in zip(portuguese, english, strict=True))


@pytest.mark.parametrize(
    ("body", "portuguese", "english"),
    [
        ({"parameters": {"class_id": 999}}, "Essa turma não existe.", "There is no such class."),
        ({"parameters": {"class_id": 3}}, "Essa turma não existe.", "There is no such class."),
        ({"parameters": {"class_id": "1"}}, "O valor deve ser um número inteiro", "Input should be a valid integer"),
        ({"parameters": {"x": 1}}, "Esse parâmetro não existe.", "There is no such parameter."),
        ({"color": "red"}, "Esse campo não existe.", "There is no such member."),
        ({"format": "docx"}, f"Formatos do relatório “class_performance”: {FORMATS}.", f"The report “class_performance” comes as: {FORMATS}."),
        ({"report": "report_card", "parameters": {}}, "Informe uma turma ou um ano letivo.", "Give a class or a school year."),
        ({"report": None}, "Este campo não pode ser nulo.", "This field may not be null."),
    ],
)  # fmt: skip
def test_field_errors_are_in_the_language_of_the_header(
    as_user, teacher, body, portuguese, english
):
    SchoolYear.objects.update(is_closed=True)  # an open one would be the default
    client = as_user(teacher)

    assert error_details(client, "pt-BR", **body) == [portuguese]
    assert error_details(client, "en", **body) == [english]


@pytest.mark.parametrize(
    ("body", "portuguese", "english"),
    [
        (b"{", "O corpo não é JSON: veja a linha 1, coluna 2.", "The body is not JSON: see line 1, column 2."),
        (b"[" * 30_000, "O JSON tem níveis demais, um dentro do outro.", "The JSON is nested too deeply."),
        (b"\xff\xfe\x00", "O corpo não está em UTF-8.", "The body is not UTF-8."),
        (b'{"a": NaN}', "O corpo contém um número que não pode ser lido.", "The body holds a number that cannot be read."),
        (b"1" * 5000, "O corpo contém um número que não pode ser lido.", "The body holds a number that cannot be read."),
    ],
)  # fmt: skip
def test_unreadable_body_error_is_translated(
    as_user, teacher, body, portuguese, english
):
    def detail(language):
        answer = as_user(teacher).post(
            "/reports",
            body,
            content_type="application/json",
            headers={"Accept-Language": language},
        )
        return answer.json()["developer_detail"]

    assert (detail("pt-BR"), detail("en")) == (portuguese, english)


def test_role_error_is_translated(as_user, guardian):
    answer = as_user(guardian).post_json("/reports", REPORT_REQUEST)

    problem = answer.json()
    assert problem["detail"] == "Este relatório não é oferecido ao seu perfil."
    assert problem["developer_detail"] == (
        "O relatório “class_performance” não é oferecido ao seu perfil."
    )


@pytest.mark.parametrize(
    ("language", "title", "description", "year"),
    [
        ("pt-BR", "Desempenho das turmas", "Por turma", "Ano letivo"),
        ("en", "Class performance", "For each class", "School year"),
    ],
)
def test_catalogue_entry_is_translated(
    as_user, teacher, language, title, description, year
):
    entry = as_user(teacher).get(
        "/reports/class_performance", headers={"Accept-Language": language}
    ).json()  # fmt: skip

    assert entry["title"] == title
    assert entry["description"].startswith(description)
    assert entry["parameters"]["properties"]["year"]["title"] == year


@pytest.mark.guarantee("A task's texts are in the language of the task.")
@pytest.mark.parametrize("header", ["pt-BR", "en"])
def test_task_texts_ignore_the_language_of_the_poll(as_user, teacher, header):
    failed = run_task(teacher, {"of": "code"}, kind="failing", language="en")
    empty = run_task(teacher, {"year": 1999}, language="pt-BR")
    client = as_user(teacher)

    def read(task):
        path = f"/tasks/{task.pk}"
        return client.get(path, headers={"Accept-Language": header}).json()

    assert read(failed)["error"]["title"] == "Internal error"
    assert read(failed)["error"]["type"] == "/problems/internal"
    assert read(empty)["result"]["summary"].startswith("Não há nenhum aluno")


@pytest.mark.guarantee("The contract is English, and matches the code.")
@pytest.mark.parametrize("query", ["", "?lang=en", "?lang=EN"])
def test_openapi_document_is_english_for_every_browser(query):
    answer = Client().get(f"/openapi.yaml{query}", headers={"Accept-Language": "pt-BR"})

    served, committed = yaml.safe_load(answer.content), load_spec()
    assert answer["Content-Language"] == "en"
    assert served["paths"]["/tasks"] == committed["paths"]["/tasks"]
    name = "ClassPerformanceParameters"
    assert (
        served["components"]["schemas"][name]
        == (committed["components"]["schemas"][name])
    )


def test_refused_host_error_is_translated():
    headers = {"Host": "evil.example", "Accept-Language": "en"}

    with override("pt-br"):
        answer = Client().get("/healthz", headers=headers)

    assert answer.json()["title"] == "The request is not valid"


def test_too_small_value_is_refused_in_correct_portuguese(as_user, teacher):
    task = run_task(teacher)

    answer = as_user(teacher).post_json(
        f"/tasks/{task.pk}/result/link", {"expires_in": 1}
    )

    (error,) = answer.json()["errors"]
    assert error["detail"] == (
        "Certifique-se de que este valor seja maior ou igual a 60."
    )

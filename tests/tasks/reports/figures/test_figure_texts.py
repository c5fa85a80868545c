import pytest

from tests.tasks.reports.figures.expected import EXPECTED
from tests.tasks.reports.figures.report_rows import run_report

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("texts do not depend on the database"),
]


def list_texts(language):
    """Return kind, student, column and part of the text of each text in the language."""
    return [
        (kind, *text)
        for kind, expected in EXPECTED.items()
        for text_language, *text in expected.texts
        if text_language == language
    ]


@pytest.mark.parametrize(
    ("language", "expected_texts"),
    [(language, list_texts(language)) for language in ("pt-BR", "en")],
)
def test_texts_state_exact_figures_in_task_language(
    edge_network, language, expected_texts
):
    viewer = edge_network.viewers["administrator"]
    rows_by_kind = {
        kind: run_report(viewer, kind, {"year": 2026}, language)[0]
        for kind in {kind for kind, *_ in expected_texts}
    }
    for kind, name, column, expected in expected_texts:
        texts = [
            row[column]
            for row in rows_by_kind[kind]
            if row["student"] == name and row.get("subject", "Matemática") == "Matemática"
        ]  # fmt: skip
        assert len(texts) == 1, (kind, name)
        assert expected in texts[0], (kind, name)


def test_prior_year_values_are_shown_as_recorded(edge_network):
    rows, _ = run_report(
        edge_network.viewers["administrator"], "transcript", {"year": 2026}
    )

    (row,) = [r for r in rows if r["student"] == "Ávila" and r["year"] == "2023"]
    assert (row["grade"], row["attendance"], row["result"]) == ("8,0", "97,5", "Aprovada")  # fmt: skip


def test_final_results_have_expected_situations(edge_network):
    rows, _ = run_report(edge_network.viewers["administrator"], "final_results", {"year": 2025})  # fmt: skip
    situations = [row["situation"] for row in rows]

    assert {name: situations.count(name) for name in set(situations)} == {
        "approved": 4, "approved_with_dependency": 2, "failed": 1,
        "incomplete": 1, "transferred": 1,
    }  # fmt: skip

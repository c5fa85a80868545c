import pytest

from tests.tasks.reports.figures.report_rows import run_report

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("words are chosen once the figures are there"),
]

PORTUGUESE_TEXTS = [
    ("report_card", "Ávila", "explanation", "(6,0 + 6,0 + 6,0 + 6,0) / 4 = 6,0 ≥ 6,0"),
    ("report_card", "Álvaro", "explanation", "(5,5 + 6,5) / 2 = 6,0 ≥ 6,0"),
    ("report_card", "Zélia", "explanation", "(5,5 + 6,4) / 2 = 5,95 < 6,0"),
    ("report_card", "Zelia", "explanation", "(5,925 + 6,0) / 2 = 5,9625 < 6,0"),
    ("report_card", "Avila", "explanation", "6,1"),
    ("report_card", "Ângela", "explanation", "10,1"),
    ("attendance_summary", "Falta 51", "explanation", "149/200 = 74,5 % < 75 %"),
    ("attendance_summary", "Falta 50", "explanation", "150/200 = 75,0 % ≥ 75 %"),
    ("attendance_summary", "Planeja 51", "explanation", "149/200 = 74,5 % < 74,97 %"),
    ("final_results", "Falta E Nota", "reasons", "Matemática (2,5 < 6,0)"),
    ("final_results", "Falta E Nota", "reasons", "110/200 = 55,0 % < 75 %"),
    ("final_results", "Dois Terços", "reasons", "20/30 = 66,6666… % < 66,7 %"),
    ("final_results", "Falta Com Exame Aberto", "reasons", "140/200 = 70,0 % < 75 %"),
    ("final_results", "Falta Com Exame Aberto", "reasons", "Matemática (3,0 < 6,0)"),
    ("at_risk_students", "Precisa De Muito", "saving", "9,0"),
]
ENGLISH_TEXTS = [
    ("report_card", "Zélia", "explanation", "(5.5 + 6.4) / 2 = 5.95 < 6.0"),
    ("attendance_summary", "Falta 51", "explanation", "149/200 = 74.5"),
]


@pytest.mark.parametrize(
    ("language", "told"), [("pt-BR", PORTUGUESE_TEXTS), ("en", ENGLISH_TEXTS)]
)
def test_texts_state_the_exact_figures_as_the_language_writes_them(
    edge_network, language, told
):
    viewer = edge_network.viewers["administrator"]
    made = {
        kind: run_report(viewer, kind, {"year": 2026}, language)[0]
        for kind in {kind for kind, *_ in told}
    }
    for kind, name, column, words in told:
        texts = [
            row[column]
            for row in made[kind]
            if row["student"] == name and row.get("subject", "Matemática") == "Matemática"
        ]  # fmt: skip
        assert len(texts) == 1, (kind, name)
        assert words in texts[0], (kind, name)


def test_papers_from_elsewhere_are_told_as_they_are(edge_network):
    rows, _ = run_report(
        edge_network.viewers["administrator"], "transcript", {"year": 2026}
    )

    (row,) = [r for r in rows if r["student"] == "Ávila" and r["year"] == "2023"]
    assert (row["grade"], row["attendance"], row["result"]) == ("8,0", "97,5", "Aprovada")  # fmt: skip


def test_results_of_a_class_are_counted(edge_network):
    task_rows, _ = run_report(edge_network.viewers["administrator"], "final_results", {"year": 2025})  # fmt: skip
    found = [row["situation"] for row in task_rows]

    assert {name: found.count(name) for name in set(found)} == {
        "approved": 4, "approved_with_dependency": 2, "failed": 1,
        "incomplete": 1, "transferred": 1,
    }  # fmt: skip

"""The oracle, compared with figures computed by hand."""

import ast
from pathlib import Path

import pytest

from tests.support import oracle
from tests.tasks.reports.figures.expected import expected_rows

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database(
        "the oracle reads single records; test_every_figure runs on both"
    ),
]

HAND_COMPUTED_ROWS = [
    ("Ávila", "6.00", None, "6.00", "passed", None, "approved"),
    ("Avila", "5.90", None, None, "recovery", "6.1", "in_recovery"),
    ("Álvaro", "5.50", "6.5", "6.00", "passed_after_recovery", None, "approved_after_recovery"),
    ("Zélia", "5.50", "6.4", "5.95", "failed", None, "approved_with_dependency"),
    ("Zelia", "5.93", "6.0", "5.96", "failed", None, "approved_with_dependency"),
    ("Ângela", "1.90", None, None, "recovery", "10.1", "in_recovery"),
    ("Zélia Que Não Alcança", "1.90", "10.0", "5.95", "failed", None, "approved_with_dependency"),
    ("Exame Sem Precisar", "6.00", "1.0", "6.00", "passed", None, "approved"),
    ("Exame Antes Do Fim", "5.00", "9.0", None, "open", "9.0", "in_progress"),
    ("Nota Nula", "6.00", None, None, "open", "6.0", "in_progress"),
    ("Já Salvo", "10.00", None, None, "open", "0.0", "in_progress"),
    ("Precisa De Muito", "3.00", None, None, "open", "9.0", "in_progress"),
    ("Só Nulos", None, None, None, "open", "6.0", "in_progress"),
    ("Quinto Bimestre", "6.00", None, "6.00", "passed", None, "approved"),
    ("Do Conselho", "3.00", "2.0", "2.50", "failed", None, "approved_by_council"),
    ("Reprovado Em Duas", "3.00", "2.0", "2.50", "failed", None, "failed"),
    ("rounded: 57 57 57 58", "5.50", None, None, "recovery", "5.8", "in_recovery"),
    ("rounded: 50 50 50 50", "5.00", "6.2", "6.00", "passed_after_recovery", None, "approved_after_recovery"),
    ("rounded: 52 53 53 53", "5.50", "5.5", "5.50", "failed", None, "failed"),
    ("rounded: 52 52 53 53", "5.50", None, None, "recovery", "5.8", "in_recovery"),
    ("rounded: 10 10 10 10", "1.00", None, None, "recovery", "5.8", "in_recovery"),
    ("rounded: 56 56 56 56", "5.50", "4.0", "5.50", "failed", None, "failed"),
]  # fmt: skip
ADAMO_ROWS = [
    # mean, recovery, final, result, needed; term weights 1 2 3 4, then 6:4, pass mark 5.0
    ("4.66", "5.5", "4.996", "failed", None),
    ("6.00", None, "6.00", "passed", None),
    ("0.50", None, "0.50", "failed", None),
    ("7.80", None, None, "open", "4.2"),
    ("5.99", None, None, "recovery", "3.6"),
    ("4.66", "6.0", "5.20", "passed_after_recovery", None),
    ("1.67", None, None, "recovery", "10.0"),
]


@pytest.fixture
def mathematics_rows(edge_network, dataset):
    rows = expected_rows(
        "report_card", edge_network.viewers["administrator"], {"year": 2026}, dataset
    )
    return {
        (row["student"], row["class"]): row
        for row in rows
        if row["subject"] == "Matemática"
    }


def test_oracle_grades_match_hand_computed_rows(mathematics_rows):
    for name, *expected in HAND_COMPUTED_ROWS:
        (row,) = [
            row for (student, _), row in mathematics_rows.items() if student == name
        ]
        columns = ("mean", "recovery", "final", "result", "needed", "situation")

        assert [row[column] for column in columns] == expected, name


def test_oracle_weighted_means_match_hand_computed_rows(edge_network, dataset):
    rows = expected_rows(
        "report_card", edge_network.viewers["staff_a"], {"year": 2026}, dataset
    )
    columns = ("mean", "recovery", "final", "result", "needed")

    assert [
        tuple(row[column] for column in columns)
        for row in rows
        if row["student"] == "Ádamo" and row["subject"] == "Matemática"
    ] == ADAMO_ROWS


def test_oracle_days_match_hand_computed_values(edge_network, dataset):
    rows = expected_rows(
        "attendance_summary",
        edge_network.viewers["administrator"],
        {"year": 2026},
        dataset,
    )
    columns = ("days", "absences", "attendance", "planned", "absences_left", "below_minimum", "council_list")  # fmt: skip
    values_by_student = {
        row["student"]: tuple(row[column] for column in columns) for row in rows
    }  # fmt: skip

    assert values_by_student["Falta 15"] == (200, 15, "92.5", 200, 35, False, False)
    assert values_by_student["Falta 16"] == (200, 16, "92.0", 200, 34, False, True)
    assert values_by_student["Falta 50"] == (200, 50, "75.0", 200, 0, False, True)
    assert values_by_student["Falta 51"] == (200, 51, "74.5", 200, -1, True, True)
    # Enrolled from day 50 to 100: 12 of the 30 absences lie within, 150 days outside.
    assert values_by_student["Falta Fora"] == (50, 12, "76.0", 50, None, False, True)
    assert values_by_student["Planeja 50"] == (150, 50, "75.0", 200, 0, False, True)
    assert values_by_student["Planeja 51"] == (150, 51, "74.5", 200, -1, True, True)
    # 100 of the class's 150 days lie before the entry.
    assert values_by_student["Planeja Tarde"] == (50, 40, "60.0", 100, -15, True, True)
    assert values_by_student["Dois Terços"] == (30, 10, "66.67", 40, None, True, False)
    assert values_by_student["Entrou Depois Das Aulas"] == (
        0,
        0,
        None,
        None,
        None,
        None,
        None,
    )
    assert values_by_student["Livre De Regras"] == (
        30,
        9,
        "70.0",
        None,
        None,
        None,
        None,
    )
    # 100 days in one class and 98 in the other, all of them planned.
    assert values_by_student["Móvel Entre Turmas"] == (
        198,
        40,
        "79.8",
        200,
        10,
        False,
        True,
    )
    # Not enrolled for 50 days; 10 and 10 absences lie within a stay, 20 between stays.
    assert values_by_student["Foi E Voltou"] == (150, 20, "86.7", 150, 17, False, True)


def test_oracle_moves_carry_earlier_grades(edge_network, dataset):
    def term_grades(viewer: str, name: str) -> dict[str, list[str | None]]:
        rows = expected_rows(
            "report_card", edge_network.viewers[viewer], {"year": 2026}, dataset
        )
        return {
            row["subject"]: [row[f"term_{n}"] for n in (1, 2, 3, 4)]
            for row in rows
            if row["student"] == name
        }

    changed_class = term_grades("staff_a", "Móvel Entre Turmas")
    assert changed_class["Matemática"] == ["5.0", "3.0", "8.0", "8.0"]
    assert changed_class["Português"] == ["6.0", "3.0", "8.0", "8.0"]
    assert changed_class["Inglês"] == [None, "3.0", "8.0", "8.0"]
    assert term_grades("teacher", "Móvel Entre Turmas")["Matemática"] == ["5.0", "3.0", "8.0", "8.0"]  # fmt: skip
    changed_school = term_grades("administrator", "Móvel Para Outra Escola")
    assert changed_school["Português"] == ["6.0", "6.5", "8.0", "8.0"]
    assert changed_school["Matemática"] == ["2.0", "6.5", "8.0", "8.0"]
    assert term_grades("staff_b", "Móvel Para Outra Escola")["Português"] == ["6.0", "6.5", "8.0", "8.0"]  # fmt: skip
    assert term_grades("staff_a", "Móvel Para Outra Escola")["Português"] == ["6.0", "6.5", None, None]  # fmt: skip


def test_oracle_transcript_shows_only_visible_years(edge_network, dataset):
    def years(viewer: str, name: str) -> list[tuple[object, object]]:
        rows = expected_rows("transcript", edge_network.viewers[viewer], {}, dataset)
        years_and_schools = [
            (row["year"], row["school"]) for row in rows if row["student"] == name
        ]  # fmt: skip
        return list(dict.fromkeys(years_and_schools))

    a, b = "Escola Ávila", "Escola Zélia"
    assert years("staff_a", "Ávila") == [
        ("2022", "Escola De Longe"),
        ("2023", "Escola De Longe"), ("2024", "Escola De Longe"), ("2025", a), ("2026", a),
    ]  # fmt: skip
    # The year is over, and the student has been in the other school since.
    assert years("staff_b", "Reprovado Em Duas") == [("2025", b)]
    assert years("staff_b", "Avila")[-1] == ("2025", b)
    assert years("staff_a", "Móvel De Volta, Sem Motivo") == [("2026", a)]
    assert years("staff_b", "Móvel De Volta, Sem Motivo") == [("2026", b)]


def test_oracle_imports_models_and_itself_only():
    modules = set()
    for path in Path(oracle.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                modules |= {f"{node.module}.{a.name}" for a in node.names}
    packages = ("api.", "bench.", "school.", "tasks.", "tests.")
    imported = {m for m in modules if f"{m}.".startswith(packages)}

    assert {m for m in imported if not m.startswith("tests.support.oracle.")} == {
        "school.models"
    }

"""The reckoning itself, against figures that were worked out by hand."""

import pytest

from tests.tasks.reports.figures.oracle import expected_rows

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database(
        "the reckoning reads single records; test_every_figure runs on both"
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
]  # fmt: skip
ADAMO_ROWS = [
    # mean, recovery, final, result, needed: weights 1 2 3 4, then 6 to 4, from 5.0 on
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


def test_marks_that_were_worked_out_by_hand(mathematics_rows):
    for name, *by_hand in HAND_COMPUTED_ROWS:
        (row,) = [
            row for (student, _), row in mathematics_rows.items() if student == name
        ]
        columns = ("mean", "recovery", "final", "result", "needed", "situation")

        assert [row[column] for column in columns] == by_hand, name


def test_weighted_means_that_were_worked_out_by_hand(edge_network, dataset):
    rows = expected_rows(
        "report_card", edge_network.viewers["staff_a"], {"year": 2026}, dataset
    )
    columns = ("mean", "recovery", "final", "result", "needed")

    assert [
        tuple(row[column] for column in columns)
        for row in rows
        if row["student"] == "Ádamo" and row["subject"] == "Matemática"
    ] == ADAMO_ROWS


def test_days_that_were_worked_out_by_hand(edge_network, dataset):
    rows = expected_rows(
        "attendance_summary",
        edge_network.viewers["administrator"],
        {"year": 2026},
        dataset,
    )
    columns = ("days", "absences", "attendance", "planned", "absences_left", "below_minimum", "council_list")  # fmt: skip
    of = {
        row["student"]: tuple(row[column] for column in columns) for row in rows
    }  # fmt: skip

    assert of["Falta 15"] == (200, 15, "92.5", 200, 35, False, False)
    assert of["Falta 16"] == (200, 16, "92.0", 200, 34, False, True)
    assert of["Falta 50"] == (200, 50, "75.0", 200, 0, False, True)
    assert of["Falta 51"] == (200, 51, "74.5", 200, -1, True, True)
    # Enrolled from day 50 to 100: 12 of the 30 absences fall into that, 150 days do not.
    assert of["Falta Fora"] == (50, 12, "76.0", 50, 0, False, True)
    assert of["Planeja 50"] == (150, 50, "75.0", 200, 0, False, True)
    assert of["Planeja 51"] == (150, 51, "74.5", 200, -1, True, True)
    # 100 of the class's 150 days lie before the entry.
    assert of["Planeja Tarde"] == (50, 40, "60.0", 100, -15, True, True)
    assert of["Dois Terços"] == (30, 10, "66.67", 40, 3, True, False)
    assert of["Entrou Depois Das Aulas"] == (0, 0, None, None, None, None, None)
    assert of["Livre De Regras"] == (30, 9, "70.0", None, None, None, None)
    # 100 days in one class and 98 in the other, all of them planned.
    assert of["Móvel Entre Turmas"] == (198, 40, "79.8", 200, 10, False, True)
    # Away for 50 days; of the absences 10 and 10 lie within a stay, 20 between them.
    assert of["Foi E Voltou"] == (150, 20, "86.7", 150, 17, False, True)


def test_moves_bring_along_what_counts(edge_network, dataset):
    def marks(viewer: str, name: str) -> dict[str, list[str | None]]:
        rows = expected_rows(
            "report_card", edge_network.viewers[viewer], {"year": 2026}, dataset
        )
        return {
            row["subject"]: [row[f"term_{n}"] for n in (1, 2, 3, 4)]
            for row in rows
            if row["student"] == name
        }

    moved = marks("staff_a", "Móvel Entre Turmas")
    assert moved["Matemática"] == ["5.0", "3.0", "8.0", "8.0"]
    assert moved["Português"] == ["6.0", "3.0", "8.0", "8.0"]
    assert moved["Inglês"] == [None, "3.0", "8.0", "8.0"]
    assert marks("teacher", "Móvel Entre Turmas")["Matemática"] == [None, "3.0", "8.0", "8.0"]  # fmt: skip
    left = marks("administrator", "Móvel Para Outra Escola")
    assert left["Português"] == ["6.0", "6.5", "8.0", "8.0"]
    assert left["Matemática"] == ["2.0", "6.5", "8.0", "8.0"]
    assert marks("staff_b", "Móvel Para Outra Escola")["Português"] == [None, None, "8.0", "8.0"]  # fmt: skip
    assert marks("staff_a", "Móvel Para Outra Escola")["Português"] == ["6.0", "6.5", None, None]  # fmt: skip


def test_transcript_goes_no_further_than_its_viewer_may_see(edge_network, dataset):
    def years(viewer: str, name: str) -> list[tuple[object, object]]:
        rows = expected_rows("transcript", edge_network.viewers[viewer], {}, dataset)
        found = [
            (row["year"], row["school"]) for row in rows if row["student"] == name
        ]  # fmt: skip
        return list(dict.fromkeys(found))

    a, b = "Escola Ávila", "Escola Zélia"
    assert years("staff_a", "Ávila") == [
        ("2022", "Escola De Longe"),
        ("2023", "Escola De Longe"), ("2024", "Escola De Longe"), ("2025", a), ("2026", a),
    ]  # fmt: skip
    # The year is over, and the pupil is in the other school since.
    assert years("staff_b", "Reprovado Em Duas") == [("2025", b)]
    assert years("staff_b", "Avila")[-1] == ("2025", b)
    assert years("staff_a", "Móvel De Volta, Sem Motivo") == [("2026", a)]
    assert years("staff_b", "Móvel De Volta, Sem Motivo") == [("2026", b)]

"""Students who stay in their class, one line for each edge case of a figure."""

from datetime import date
from itertools import count

from tests.tasks.reports.figures.edge_cases import (
    LESSON_DAYS,
    MID_YEAR,
    QUARTER_YEAR,
    EdgeCaseNetwork,
)


def enrol_students(network: EdgeCaseNetwork) -> None:
    _create_grade_boundary_cases(network)
    _create_two_subject_cases(network)
    _create_attendance_cases(network)
    _create_other_rule_cases(network)
    _create_age_cases(network)


GRADE_BOUNDARY_CASES = [
    ("Ávila", "60 60 60 60"),
    ("Avila", "59 59 59 59"),
    ("Álvaro", "55 55 55 55", 65),
    ("Zélia", "55 55 55 55", 64),
    ("Zelia", "59 59 59 60", 60),
    ("Ângela", "19 19 19 19"),
    ("Zélia Que Não Alcança", "19 19 19 19", 100),
    ("Exame Sem Precisar", "60 60 60 60", 10),
    ("Exame Antes Do Fim", "50 50 50 -", 90),
    ("Nota Nula", "60 x 60 60"),
    ("Zeros", "0 0 0 0", 0),
    ("Dezes", "100 100 100 100"),
    ("Quinto Bimestre", "60 60 60 60 10"),
    ("Já Salvo", "100 100 100 -"),
    ("Precisa De Muito", "30 30 x x"),
]  # fmt: skip


def _create_grade_boundary_cases(network: EdgeCaseNetwork) -> None:
    """Enrol students with grades at the boundaries and with missing grades."""
    for name, mat, *exam in GRADE_BOUNDARY_CASES:
        exams = {"mat": exam[0]} if exam else {}
        network.enrol_student(name, "a_main", grades={"mat": mat}, exams=exams)
    formula = '=HYPERLINK("x")'
    grades = {"mat": "59 59 60 60"}
    network.enrol_student(formula, "a_main", grades=grades, social_name="+Zíper")
    network.enrol_student("Zacarias Civil", "a_main", social_name="Ágata")
    network.enrol_student("Nada Lançado", "a_main", "")
    network.enrol_student("Só Nulos", "a_main", "x x x x")
    network.enrol_student("Uma Só Vazia", "a_main", grades={"art": ""})
    network.enrol_student("Por Último No Diário", "a_main", diary_number=900)
    network.enrol_student("Primeira Do Álamo", "a_other", diary_number=30)


def _create_two_subject_cases(network: EdgeCaseNetwork) -> None:
    failing = {"mat": "30 30 30 30", "por": "40 40 40 40"}
    low_exams = {"mat": 20, "por": 20}
    network.enrol_student(
        "Reprovado Em Duas", "a_main", grades=failing, exams=low_exams
    )
    network.enrol_student(
        "Do Conselho",
        "a_main",
        grades=failing,
        exams=low_exams,
        approved_by_council=True,
    )
    network.enrol_student("Em Recuperação De Duas", "a_main", grades=failing)


def _create_attendance_cases(network: EdgeCaseNetwork) -> None:
    failing = {"mat": "30 30 30 30"}
    for absence_count in (15, 16, 50, 51):
        network.enrol_student(
            f"Falta {absence_count}", "a_main", absences=range(absence_count)
        )
    low_exams = {"mat": 20}
    network.enrol_student(
        "Falta E Nota", "a_main", grades=failing, exams=low_exams, absences=range(90)
    )  # fmt: skip
    network.enrol_student(
        "Falta No Caminho", "a_main", "70 70", absences=range(0, 120, 2)
    )
    network.enrol_student(
        "Falta Com Exame Aberto", "a_main", grades=failing, absences=range(60)
    )
    network.enrol_student(
        "Falta De Conselho", "a_main", absences=range(60), approved_by_council=True
    )  # fmt: skip
    network.enrol_student("Faltou A Todas", "a_main", absences=range(200))
    network.enrol_student(
        "Falta Fora", "a_main", absences=range(40, 160, 4),
        entry_date=QUARTER_YEAR, exit_date=MID_YEAR, ending="transferred",
    )  # fmt: skip
    network.enrol_student("Sem Dia Nenhum", "a_no_days")
    network.enrol_student("Sem Matéria", "a_no_subjects", absences=range(6))
    network.enrol_student(
        "Entrou Depois Das Aulas", "b_free", entry_date=LESSON_DAYS[60]
    )


OTHER_RULE_CASES = {
    "rounded": [
        ("57 57 57 58",), ("50 50 50 50", 62), ("52 53 53 53", 55), ("52 52 53 53",), ("10 10 10 10",),
        ("56 56 56 56", 40),
    ],
    "weighted": [
        ("16 50 50 50", 55), ("60 60 60 60",), ("5 5 5 5",), ("30 - - 90",), ("59 60 60 60",),
        ("16 50 50 50", 60), ("7 10 20 20",),
    ],
}  # fmt: skip


def _create_other_rule_cases(network: EdgeCaseNetwork) -> None:
    fields_by_level = {
        "rounded": {"entry_date": LESSON_DAYS[10]},
        "weighted": {"social_name": "Ádamo", "absences": range(60)},
    }
    for level, cases in OTHER_RULE_CASES.items():
        for mat, *exam in cases:
            network.enrol_student(
                f"{level}: {mat}", "a_mixed", level=level, grades={"mat": mat},
                exams={"mat": exam[0]} if exam else {}, **fields_by_level[level],
            )  # fmt: skip
    network.enrol_student(
        "Dois Terços", "a_mixed", level="weighted", absences=range(0, 30, 3),
        exit_date=LESSON_DAYS[40], ending="transferred",
    )  # fmt: skip
    for grades in ("70 66 67 10", "49 49 50", "89 90 89", "20 19 20", "90 90"):
        network.enrol_student(
            f"Conceitua {grades}", "b_mixed", grades, level="concept", absences=range(30)
        )  # fmt: skip
    network.enrol_student("Planeja 50", "b_mixed", level="planned", absences=range(50))
    network.enrol_student("Planeja 51", "b_mixed", level="planned", absences=range(51))
    network.enrol_student(
        "Planeja Tarde", "b_mixed", level="planned", entry_date=MID_YEAR,
        absences=range(100, 140),
    )  # fmt: skip
    network.enrol_student("Livre De Regras", "b_free", "50 60", absences=range(9))
    network.enrol_student(
        "Livre E Completa", "b_free", "50 60 70 81", exams={"mat": 50}
    )


def _create_age_cases(network: EdgeCaseNetwork) -> None:
    for age in (17, 30, 60):
        network.enrol_student(
            f"Aluna De {age}", "b_eja", "60 60", birth_date=date(2026 - age, 2, 2),
            grades={"mat": f"{age} {age + 10} 90"}, absences=range(20, 45),
        )  # fmt: skip
    birth_dates = [
        date(2020, 4, 1), date(2020, 4, 2), date(2022, 6, 1), date(2022, 6, 2),
        date(2008, 8, 1), date(2008, 8, 2), date(2020, 2, 29),
    ]  # fmt: skip
    days = count()
    for birthday in birth_dates:
        # Each student misses a different share, about a third.
        absent = [n for n in range(200) if n % 3 == 0 or n % 40 == next(days) % 40]
        network.enrol_student(
            f"Nasceu Em {birthday}", "b_main", birth_date=birthday, absences=absent
        )

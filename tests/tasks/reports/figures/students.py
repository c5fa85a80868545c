"""Pupils who stay in their class: a line for each case that a figure could get wrong."""

from datetime import date
from itertools import count

from tests.tasks.reports.figures.edge_cases import DAYS, HALF, QUARTER, Awkward


def enrol(world: Awkward) -> None:
    _at_the_marks(world)
    _in_two_subjects(world)
    _by_attendance(world)
    _by_other_rules(world)
    _adults_and_small_ones(world)


AT_THE_MARKS = [
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


def _at_the_marks(world: Awkward) -> None:
    """DOMAIN's boundaries, and what may be missing."""
    for name, mat, *exam in AT_THE_MARKS:
        exams = {"mat": exam[0]} if exam else {}
        world.pupil(name, "a_main", marks={"mat": mat}, exams=exams)
    formula = '=HYPERLINK("x")'
    marks = {"mat": "59 59 60 60"}
    world.pupil(formula, "a_main", marks=marks, social_name="+Zíper")
    world.pupil("Zacarias Civil", "a_main", social_name="Ágata")
    world.pupil("Nada Lançado", "a_main", "")
    world.pupil("Só Nulos", "a_main", "x x x x")
    world.pupil("Uma Só Vazia", "a_main", marks={"art": ""})
    world.pupil("Por Último No Diário", "a_main", diary_number=900)
    world.pupil("Primeira Do Álamo", "a_other", diary_number=30)


def _in_two_subjects(world: Awkward) -> None:
    failing = {"mat": "30 30 30 30", "por": "40 40 40 40"}
    low = {"mat": 20, "por": 20}
    world.pupil("Reprovado Em Duas", "a_main", marks=failing, exams=low)
    world.pupil(
        "Do Conselho", "a_main", marks=failing, exams=low, approved_by_council=True
    )
    world.pupil("Em Recuperação De Duas", "a_main", marks=failing)


def _by_attendance(world: Awkward) -> None:
    failing = {"mat": "30 30 30 30"}
    for missed in (15, 16, 50, 51):
        world.pupil(f"Falta {missed}", "a_main", absent=range(missed))
    low = {"mat": 20}
    world.pupil(
        "Falta E Nota", "a_main", marks=failing, exams=low, absent=range(90)
    )  # fmt: skip
    world.pupil("Falta No Caminho", "a_main", "70 70", absent=range(0, 120, 2))
    world.pupil("Falta Com Exame Aberto", "a_main", marks=failing, absent=range(60))
    world.pupil(
        "Falta De Conselho", "a_main", absent=range(60), approved_by_council=True
    )  # fmt: skip
    world.pupil("Faltou A Todas", "a_main", absent=range(200))
    world.pupil(
        "Falta Fora", "a_main", absent=range(40, 160, 4),
        entry_date=QUARTER, exit_date=HALF, ending="transferred",
    )  # fmt: skip
    world.pupil("Sem Dia Nenhum", "a_no_days")
    world.pupil("Sem Matéria", "a_no_subjects", absent=range(6))
    world.pupil("Entrou Depois Das Aulas", "b_free", entry_date=DAYS[60])


BY_LEVEL = {
    "rounded": [
        ("57 57 57 58",), ("50 50 50 50", 62), ("52 53 53 53", 55), ("52 52 53 53",), ("10 10 10 10",),
    ],
    "weighted": [
        ("16 50 50 50", 55), ("60 60 60 60",), ("5 5 5 5",), ("30 - - 90",), ("59 60 60 60",),
        ("16 50 50 50", 60), ("7 10 20 20",),
    ],
}  # fmt: skip


def _by_other_rules(world: Awkward) -> None:
    other = {
        "rounded": {"entry_date": DAYS[10]},
        "weighted": {"social_name": "Ádamo", "absent": range(60)},
    }
    for level, many in BY_LEVEL.items():
        for mat, *exam in many:
            world.pupil(
                f"{level}: {mat}", "a_mixed", level=level, marks={"mat": mat},
                exams={"mat": exam[0]} if exam else {}, **other[level],
            )  # fmt: skip
    world.pupil(
        "Dois Terços", "a_mixed", level="weighted", absent=range(0, 30, 3),
        exit_date=DAYS[40], ending="transferred",
    )  # fmt: skip
    for marks in ("70 66 67 10", "49 49 50", "89 90 89", "20 19 20", "90 90"):
        world.pupil(
            f"Conceitua {marks}", "b_mixed", marks, level="concept", absent=range(30)
        )  # fmt: skip
    world.pupil("Planeja 50", "b_mixed", level="planned", absent=range(50))
    world.pupil("Planeja 51", "b_mixed", level="planned", absent=range(51))
    world.pupil(
        "Planeja Tarde", "b_mixed", level="planned", entry_date=HALF,
        absent=range(100, 140),
    )  # fmt: skip
    world.pupil("Livre De Regras", "b_free", "50 60", absent=range(9))
    world.pupil("Livre E Completa", "b_free", "50 60 70 81", exams={"mat": 50})


def _adults_and_small_ones(world: Awkward) -> None:
    for age in (17, 30, 60):
        world.pupil(
            f"Aluna De {age}", "b_eja", "60 60", born=date(2026 - age, 2, 2),
            marks={"mat": f"{age} {age + 10} 90"}, absent=range(20, 45),
        )  # fmt: skip
    born = [
        date(2020, 4, 1), date(2020, 4, 2), date(2022, 6, 1), date(2022, 6, 2),
        date(2008, 8, 1), date(2008, 8, 2), date(2020, 2, 29),
    ]  # fmt: skip
    days = count()
    for birthday in born:
        # Each misses a share of its own, about a third.
        absent = [n for n in range(200) if n % 3 == 0 or n % 40 == next(days) % 40]
        world.pupil(f"Nasceu Em {birthday}", "b_main", born=birthday, absent=absent)

"""Pupils who leave, move or come back, and what they bring along from other years."""

from collections.abc import Mapping
from datetime import date

from school import models as m
from tests.tasks.reports.figures.edge_cases import DAYS, HALF, QUARTER, Awkward


def enrol(world: Awkward) -> None:
    """After `pupils`, some of whom were here in the year before."""
    _who_left(world)
    _who_moved(world)
    _who_moved_often(world)
    _of_the_year_before(world)
    _brought_papers(world)


def _who_left(world: Awkward) -> None:
    for ending in m.Enrolment.Ending.values:
        world.pupil(
            f"Saiu: {ending}", "b_main", "30 30", exit_date=HALF, ending=ending
        )  # fmt: skip
    end = world.years["2026"].ends_on
    world.pupil("Saiu Sem Motivo", "b_main", "30 30", exit_date=HALF)
    world.pupil("Saiu No Fim", "b_main", exit_date=end, absent=range(195, 200))
    world.pupil("Saiu Antes Do Fim", "b_main", exit_date=DAYS[-1].replace(day=1))
    world.pupil(
        "Transferido No Fim", "b_main", exit_date=end, ending="transferred"
    )  # fmt: skip


def _who_moved(world: Awkward) -> None:
    """One move each: between classes, schools, levels; with gaps, overlaps, double marks."""

    def move(name: str, one: str, two: str, **stays: Mapping[str, object]) -> None:
        first = world.pupil(name, one, **stays["first"])
        world.pupil(first.student, two, **stays["then"])

    changed = {"exit_date": HALF, "ending": "class_change"}
    move(
        "Móvel Entre Turmas", "a_main", "a_other",
        first={"rest": "60 65", "marks": {"mat": "50 x"}, "absent": range(20), **changed},
        then={"rest": "- 30 80 80", "entry_date": HALF, "absent": range(90, 120)},
    )  # fmt: skip
    move(
        "Móvel Para Outra Escola", "a_main", "b_main",
        first={"rest": "60 65 10 10", **changed, "ending": "transferred"},
        then={"rest": "- - 80 80", "marks": {"mat": "20 x 80 80"}, "entry_date": HALF},
    )  # fmt: skip
    move(
        "Móvel De Volta, Sem Motivo", "b_main", "a_main",
        first={"exit_date": QUARTER, "exams": {"por": 100}},
        then={"rest": "50 50 50 50", "entry_date": DAYS[55], "exams": {"mat": 70}},
    )  # fmt: skip
    move(
        "Foi E Voltou", "a_main", "a_main",
        first={"exit_date": QUARTER, "ending": "abandoned", "absent": range(40, 60)},
        then={"rest": "40 40 70 70", "entry_date": HALF, "absent": range(90, 110)},
    )  # fmt: skip
    move("Dália Dupla", "a_main", "a_other", first={"rest": "50 50 50 50"}, then={})
    move(
        "Sobreposta", "a_main", "b_main",
        first={"rest": "60 60", **changed}, then={"entry_date": DAYS[99]},
    )  # fmt: skip
    move(
        "Reclassificada", "a_main", "a_mixed",
        first={"rest": "90 90", "exit_date": HALF, "ending": "reclassified"},
        then={"rest": "- - 80 80", "entry_date": HALF, "level": "rounded"},
    )  # fmt: skip
    move(
        "Veio Com Boletim", "b_main", "a_other",
        first={"rest": "", "exit_date": HALF, "ending": "transferred"},
        then={"rest": "70 60 50 40", "entry_date": HALF},
    )  # fmt: skip


def _who_moved_often(world: Awkward) -> None:
    leave = {"ending": "class_change"}
    first = world.pupil("Três Turmas", "a_main", "10 20 30 40", exit_date=QUARTER, **leave)  # fmt: skip
    world.pupil(
        first.student, "a_other", "50 60 70 80", entry_date=QUARTER,
        exit_date=HALF, absent=range(50, 60), exams={"mat": 90}, **leave,
    )  # fmt: skip
    world.pupil(
        first.student, "b_main", "- - 70 -", entry_date=HALF, absent=range(100, 140)
    )  # fmt: skip
    two = world.pupil(
        "Duas Depois Uma", "a_main", "50 50", exit_date=HALF, absent=range(30), **leave
    )  # fmt: skip
    world.pupil(
        two.student, "a_other", "60 60", exit_date=QUARTER, absent=range(9), **leave
    )  # fmt: skip
    world.pupil(two.student, "b_main", "- - 60 60", entry_date=HALF)


def _of_the_year_before(world: Awkward) -> None:
    names = ["Ávila", "Móvel Para Outra Escola", "Foi E Voltou", "Saiu Sem Motivo", "Dália Dupla"]  # fmt: skip
    marks = ["50 50 50 50", "70 70 70", "49 49 50 50", "40 40 40 40", "60 60 60 60"]
    for name, mat in zip(names, marks, strict=True):
        world.pupil(
            world.students[name], "a_25", marks={"mat": mat}, absent=range(20)
        )  # fmt: skip
    for name in ("Avila", "Zélia"):
        world.pupil(world.students[name], "b_25", "50 49 51", level="concept")
    repeater = world.students["Reprovado Em Duas"]
    world.pupil(repeater, "a_25", "30 30", exit_date=DAYS[0].replace(year=2025, month=6), ending="transferred")  # fmt: skip
    world.pupil(repeater, "b_25", "- - 30 30", level="state", entry_date=date(2025, 6, 9))  # fmt: skip


def _brought_papers(world: Awkward) -> None:
    for name in ("Ávila", "Zélia", "Avila", "Foi E Voltou"):
        for year, subjects in ((2024, ["Português", "Álgebra"]), (2023, ["Canto"])):
            _prior_year(world, name, year, subjects, days=200, attendance="97,5")
    # A year that says nothing of subjects, and one that began elsewhere and went on here.
    _prior_year(world, "Ávila", 2022, [])
    _prior_year(world, "Zélia", 2026, ["Álgebra"])
    # What the next school may have got is nothing to the one that was left in 2026.
    for year in (2024, 2026, 2027):
        _prior_year(world, "Saiu: transferred", year, ["Álgebra"])


def _prior_year(
    world: Awkward, name: str, year: int, subjects: list[str], **stated: object
) -> None:
    prior = m.PriorYear.objects.create(
        student=world.students[name], year=year, grade_level=f"{year}º",
        school="Escola De Longe", city="Belém", state="PA", result="Aprovada", **stated,
    )  # fmt: skip
    for subject in subjects:
        m.PriorSubject.objects.create(
            prior_year=prior, subject=subject, grade="8,0", hours=80
        )

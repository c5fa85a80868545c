"""Students who leave, move or return, and their records from other years."""

from collections.abc import Mapping
from datetime import date

from school import models as m
from tests.support.school_factory import create_prior_year
from tests.tasks.reports.figures.edge_cases import (
    LESSON_DAYS,
    MID_YEAR,
    QUARTER_YEAR,
    EdgeCaseNetwork,
)


def enrol_transfers(network: EdgeCaseNetwork) -> None:
    """Enrol students with moves; some students of `students` also get a previous year."""
    _create_leavers(network)
    _create_single_moves(network)
    _create_multiple_moves(network)
    _create_previous_year(network)
    _create_prior_years(network)


def _create_leavers(network: EdgeCaseNetwork) -> None:
    for ending in m.Enrolment.Ending.values:
        network.enrol_student(
            f"Saiu: {ending}", "b_main", "30 30", exit_date=MID_YEAR, ending=ending
        )  # fmt: skip
    end = network.years["2026"].ends_on
    network.enrol_student("Saiu Sem Motivo", "b_main", "30 30", exit_date=MID_YEAR)
    network.enrol_student(
        "Saiu No Fim", "b_main", exit_date=end, absences=range(195, 200)
    )
    network.enrol_student(
        "Saiu Antes Do Fim", "b_main", exit_date=LESSON_DAYS[-1].replace(day=1)
    )
    network.enrol_student(
        "Transferido No Fim", "b_main", exit_date=end, ending="transferred"
    )  # fmt: skip


def _create_single_moves(network: EdgeCaseNetwork) -> None:
    """Enrol students with one move: between classes, schools or levels; gaps and overlaps."""

    def move(
        name: str, from_class: str, to_class: str, **fields: Mapping[str, object]
    ) -> None:
        first = network.enrol_student(name, from_class, **fields["first"])
        network.enrol_student(first.student, to_class, **fields["then"])

    class_change = {"exit_date": MID_YEAR, "ending": "class_change"}
    move(
        "Móvel Entre Turmas", "a_main", "a_other",
        first={"default_grades": "60 65", "grades": {"mat": "50 x"}, "absences": range(20), **class_change},
        then={"default_grades": "- 30 80 80", "entry_date": MID_YEAR, "absences": range(90, 120)},
    )  # fmt: skip
    move(
        "Móvel Para Outra Escola", "a_main", "b_main",
        first={"default_grades": "60 65 10 10", **class_change, "ending": "transferred"},
        then={"default_grades": "- - 80 80", "grades": {"mat": "20 x 80 80"}, "entry_date": MID_YEAR},
    )  # fmt: skip
    move(
        "Móvel De Volta, Sem Motivo", "b_main", "a_main",
        first={"exit_date": QUARTER_YEAR, "exams": {"por": 100}},
        then={"default_grades": "50 50 50 50", "entry_date": LESSON_DAYS[55], "exams": {"mat": 70}},
    )  # fmt: skip
    move(
        "Foi E Voltou", "a_main", "a_main",
        first={"exit_date": QUARTER_YEAR, "ending": "abandoned", "absences": range(40, 60)},
        then={"default_grades": "40 40 70 70", "entry_date": MID_YEAR, "absences": range(90, 110)},
    )  # fmt: skip
    move(
        "Dália Dupla",
        "a_main",
        "a_other",
        first={"default_grades": "50 50 50 50"},
        then={},
    )
    move(
        "Sobreposta", "a_main", "b_main",
        first={"default_grades": "60 60", **class_change}, then={"entry_date": LESSON_DAYS[99]},
    )  # fmt: skip
    move(
        "Reclassificada", "a_main", "a_mixed",
        first={"default_grades": "90 90", "exit_date": MID_YEAR, "ending": "reclassified"},
        then={"default_grades": "- - 80 80", "entry_date": MID_YEAR, "level": "rounded"},
    )  # fmt: skip
    move(
        "Veio Com Boletim", "b_main", "a_other",
        first={"default_grades": "", "exit_date": MID_YEAR, "ending": "transferred"},
        then={"default_grades": "70 60 50 40", "entry_date": MID_YEAR},
    )  # fmt: skip


def _create_multiple_moves(network: EdgeCaseNetwork) -> None:
    class_change = {"ending": "class_change"}
    first = network.enrol_student("Três Turmas", "a_main", "10 20 30 40", exit_date=QUARTER_YEAR, **class_change)  # fmt: skip
    network.enrol_student(
        first.student, "a_other", "50 60 70 80", entry_date=QUARTER_YEAR,
        exit_date=MID_YEAR, absences=range(50, 60), exams={"mat": 90}, **class_change,
    )  # fmt: skip
    network.enrol_student(
        first.student, "b_main", "- - 70 -", entry_date=MID_YEAR, absences=range(100, 140)
    )  # fmt: skip
    two = network.enrol_student(
        "Duas Depois Uma", "a_main", "50 50", exit_date=MID_YEAR, absences=range(30), **class_change
    )  # fmt: skip
    network.enrol_student(
        two.student, "a_other", "60 60", exit_date=QUARTER_YEAR, absences=range(9), **class_change
    )  # fmt: skip
    network.enrol_student(two.student, "b_main", "- - 60 60", entry_date=MID_YEAR)


def _create_previous_year(network: EdgeCaseNetwork) -> None:
    names = ["Ávila", "Móvel Para Outra Escola", "Foi E Voltou", "Saiu Sem Motivo", "Dália Dupla"]  # fmt: skip
    grades = ["50 50 50 50", "70 70 70", "49 49 50 50", "40 40 40 40", "60 60 60 60"]
    for name, mat in zip(names, grades, strict=True):
        network.enrol_student(
            network.students[name], "a_25", grades={"mat": mat}, absences=range(20)
        )  # fmt: skip
    for name in ("Avila", "Zélia"):
        network.enrol_student(
            network.students[name], "b_25", "50 49 51", level="concept"
        )
    repeater = network.students["Reprovado Em Duas"]
    network.enrol_student(repeater, "a_25", "30 30", exit_date=LESSON_DAYS[0].replace(year=2025, month=6), ending="transferred")  # fmt: skip
    network.enrol_student(repeater, "b_25", "- - 30 30", level="state", entry_date=date(2025, 6, 9))  # fmt: skip


def _create_prior_years(network: EdgeCaseNetwork) -> None:
    for name in ("Ávila", "Zélia", "Avila", "Foi E Voltou"):
        for year, subjects in ((2024, ["Português", "Álgebra"]), (2023, ["Canto"])):
            _create_prior_year(
                network, name, year, subjects, days=200, attendance="97,5"
            )
    # A year without subjects, and a year that began elsewhere and continued here.
    _create_prior_year(network, "Ávila", 2022, [])
    _create_prior_year(network, "Zélia", 2026, ["Álgebra"])
    # The school left in 2026 must not see prior years that a later school recorded.
    for year in (2024, 2026, 2027):
        _create_prior_year(network, "Saiu: transferred", year, ["Álgebra"])


def _create_prior_year(
    network: EdgeCaseNetwork,
    name: str,
    year: int,
    subjects: list[str],
    **fields: object,
) -> None:
    create_prior_year(
        network.students[name], year, [(subject, "8,0", 80) for subject in subjects],
        grade_level=f"{year}º", school="Escola De Longe", city="Belém", state="PA",
        result="Aprovada", **fields,
    )  # fmt: skip

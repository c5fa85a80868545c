"""What the demo's schools and students have beside their names and marks."""

from collections.abc import Iterable, Iterator
from random import Random

from school.demo.names import FAMILY_NAMES, GIVEN_NAMES, random_name

CITY, STATE = "Serra do Encanto", "AM"
BIRTH_PLACES = (CITY, CITY, CITY, "Manaus", "Manacapuru", "Parintins", "Tefé")
PASS_TENTHS = 60
# What comes before the first of the network's own levels has no grades.
PRESCHOOL_LEVELS = ("Educação Infantil, 4 anos", "Educação Infantil, 5 anos")


def school_details(number: int) -> tuple[str, str, str, str]:
    """(address, city, state, authorisation)."""
    street = FAMILY_NAMES[number * 13 % len(FAMILY_NAMES)]
    act = f"Resolução nº {number}/2011, Conselho Municipal de Educação"
    return f"Rua {street}, {number * 10}", CITY, STATE, act


def social_name(random: Random, student: int, name: str) -> str:
    """One student in a hundred is called by another given name."""
    if student % 100 != 38:
        return ""
    return f"{random.choice(GIVEN_NAMES)} {name.partition(' ')[2]}"


def personal_details(random: Random, student: int) -> tuple[str, ...]:
    """(birth place, nationality, parents, INEP code, birth certificate, identity)."""
    mother, father = random_name(random), random_name(random)
    parents = f"{mother}, {father}" if random.random() < 0.8 else mother
    birth_place = f"{random.choice(BIRTH_PLACES)}, {STATE}"
    birth_certificate = (
        f"termo {student}, livro A-{student % 90 + 1}, folha {student % 300 + 1}"
    )
    return (
        birth_place,
        "brasileira",
        parents,
        f"{100_000_000_000 + student}",
        birth_certificate,
        "",
    )


def recovery_rows(
    student: int, enrolment: int, years: Iterable[tuple[int, list[int | None]]]
) -> Iterator[tuple[int, int, int]]:
    """(enrolment, offering, tenths) of the exams taken, from each offering's whole year.

    About two thirds of those whose mean is below the mark take it.
    """
    random: Random | None = None
    for offering, grades in years:
        grades_present = [grade for grade in grades if grade is not None]
        if len(grades_present) == len(grades) and sum(
            grades_present
        ) < PASS_TENTHS * len(grades_present):
            # Its own, and made for the few who need it: a seed costs as much as a grade.
            random = random or Random(f"recovery {student}")
            if random.random() < 2 / 3:
                yield enrolment, offering, max(0, min(100, round(random.gauss(62, 15))))


def has_prior_years(student: int) -> bool:
    """One student in forty came from another network."""
    return student % 40 == 3


def prior_years(
    student: int, levels: list[str], year: int
) -> Iterator[tuple[tuple[object, ...], list[tuple[object, ...]]]]:
    """Each of the two years before `year`, with its subjects; ids follow the student's.

    `levels` are the network's, up to and with the student's own.
    """
    random = Random(f"prior {student}")
    earlier_levels = [*PRESCHOOL_LEVELS, *levels][-3:-1]
    for index, level in enumerate(earlier_levels):
        id = student * 2 + index
        is_preschool = level in PRESCHOOL_LEVELS
        result = "Concluído" if is_preschool else "Aprovado"
        row = (
            id, student, year - 2 + index, level, "Escola Municipal Rio Negro",
            "Manacapuru", STATE, result, 200, f"{random.randrange(80, 100)}%",
        )  # fmt: skip
        yield row, _prior_subjects(random, id, is_preschool=is_preschool)


def _prior_subjects(
    random: Random, id: int, *, is_preschool: bool
) -> list[tuple[object, ...]]:
    """(prior year, subject, grade as the papers print it, hours)."""
    if is_preschool:
        return [(id, "Campos de experiências", "", 800)]
    return [
        (id, subject, f"{random.randrange(60, 100) / 10:.1f}".replace(".", ","), 160)
        for subject in ("Português", "Matemática", "Ciências", "Estudos Sociais")
    ]

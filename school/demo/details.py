"""Details of demo schools and students: addresses, documents, exams, earlier years."""

from collections.abc import Iterable, Iterator
from random import Random

from school.collation import sort_key
from school.demo.names import FAMILY_NAMES, GIVEN_NAMES, random_name

CITY, STATE = "Serra do Encanto", "AM"
BIRTH_PLACES = (CITY, CITY, CITY, "Manaus", "Manacapuru", "Parintins", "Tefé")
PASS_TENTHS = 60
# Levels before the first one of the network; they have no grades.
PRESCHOOL_LEVELS = ("Educação Infantil, 4 anos", "Educação Infantil, 5 anos")


def school_details(number: int) -> tuple[str, str, str, str]:
    """Return (address, city, state, authorisation)."""
    street = FAMILY_NAMES[number * 13 % len(FAMILY_NAMES)]
    act = f"Resolução nº {number}/2011, Conselho Municipal de Educação"
    return f"Rua {street}, {number * 10}", CITY, STATE, act


def patron_name(number: int) -> str:
    """Return the name of the person after whom a school is named."""
    given_name = GIVEN_NAMES[number * 7 % len(GIVEN_NAMES)]
    return f"{given_name} {FAMILY_NAMES[number * 11 % len(FAMILY_NAMES)]} {FAMILY_NAMES[number // len(GIVEN_NAMES)]}"


def student_names(random: Random, student: int, name: str) -> tuple[bytes, bytes, str]:
    """Return the keys of a student's names, and a social name for one in a hundred."""
    if student % 100 != 38:
        return sort_key(name), b"", ""
    social_name = f"{random.choice(GIVEN_NAMES)} {name.partition(' ')[2]}"
    return sort_key(social_name), sort_key(name), social_name


def personal_details(random: Random, student: int) -> tuple[str, ...]:
    """Return (birth place, nationality, parents, INEP code, birth certificate, identity)."""
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
    """Yield (enrolment, offering, tenths) of the recovery exams a student takes.

    `years` holds each offering with the grades of all its terms. About two thirds of the
    students whose mean is below the pass mark take the exam.
    """
    random: Random | None = None
    for offering, grades in years:
        grades_present = [grade for grade in grades if grade is not None]
        if len(grades_present) == len(grades) and sum(
            grades_present
        ) < PASS_TENTHS * len(grades_present):
            # A separate generator, made only if needed: seeding costs as much as a grade.
            random = random or Random(f"recovery {student}")
            if random.random() < 2 / 3:
                yield enrolment, offering, max(0, min(100, round(random.gauss(62, 15))))


def has_prior_years(student: int) -> bool:
    """Return whether the student came from another network: one in forty."""
    return student % 40 == 3


def prior_years(
    student: int, levels: list[str], year: int
) -> Iterator[tuple[tuple[object, ...], list[tuple[object, ...]]]]:
    """Yield the rows of the two years before `year`, each with the rows of its subjects.

    `levels` are the network's levels up to and including the student's. The ids derive
    from the student's id.
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
    """Return rows of (prior year, subject, printed grade, hours)."""
    if is_preschool:
        return [(id, "Campos de experiências", "", 800)]
    return [
        (id, subject, f"{random.randrange(60, 100) / 10:.1f}".replace(".", ","), 160)
        for subject in ("Português", "Matemática", "Ciências", "Estudos Sociais")
    ]

import pytest

from school.db import name_search
from school.models import School, Student
from tests.support.school_factory import create_student

pytestmark = pytest.mark.django_db

NAMES = [
    "Ana Ávila",
    "Mariana D'Ávila",
    "JOÃO DA CONCEIÇÃO",
    "Conceic\u0327a\u0303o Lima",  # decomposed accents
    "Ângela-Maria Sá",
    "Luísa Østergård",
    "Escola Nº 5ª (Zona Sul)",
    "Ʉmʉkomahsã Sant’Ana",
    "Łukasz Żółć-Davila",
    "田中 さくら",
    "محمد علي",
    "Groß",
]
SEARCH_CASES = [
    ("ana", {0, 7}),
    ("ANÁ", {0, 7}),
    ("av", {0, 1}),
    ("ávila an", {0}),
    ("vila", set()),
    ("conceicao", {2, 3}),
    ("conceição joao", {2}),
    ("conceic\u0327a\u0303o", {2, 3}),
    ("maria", {1, 4}),
    ("maria sa", {4}),
    ("d'a", {1}),
    ("é", {6}),
    ("5a", {6}),
    ("no 5", {6}),
    ("zona", {6}),
    ("davila", {1, 8}),
    ("D’Ávila", {1, 8}),
    ("d'avil", {1, 8}),
    ("mariana d'avila", {1}),
    ("santana", {7}),
    ("sant ana", {7}),
    ("ana sant", {7}),
    ("angelamaria", {4}),
    ("ostergard", {5}),
    ("umuko", {7}),
    ("ʉmʉko", {7}),
    ("lukasz", {8}),
    ("ZOLC", {8}),
    ("zolcdavila", {8}),
    ("lzolc", set()),
    ("田中", {9}),
    ("さく", {9}),
    ("محمد", {10}),
    ("gross", {11}),
    ("groß", {11}),
    ("%", set(range(12))),
    ("_na", set()),
    ("a" * 120, set()),
    ("", set(range(12))),
]


@pytest.fixture
def students(network):
    return [create_student(name, registration=f"s-{n}") for n, name in enumerate(NAMES)]


@pytest.mark.guarantee("Both databases find the same names.")
@pytest.mark.parametrize(("text", "expected"), SEARCH_CASES)
def test_student_search_matches_word_prefixes(students, text, expected):
    own_students = Student.objects.filter(registration__startswith="s-")

    matches = own_students.filter(name_search.name_filter("sort_key", text))

    assert set(matches) == {students[number] for number in expected}


@pytest.mark.parametrize(("text", "expected"), SEARCH_CASES)
def test_school_search_matches_word_prefixes(network, text, expected):
    for number, name in enumerate(NAMES):
        School.objects.create(network_id=1, inep_code=f"99{number:06}", name=name)

    matches = School.objects.filter(name_search.name_filter("sort_key", text))

    codes = matches.filter(inep_code__startswith="99").values_list(
        "inep_code", flat=True
    )
    assert set(codes) == {f"99{number:06}" for number in expected}


def test_keys_of_the_longest_names_fit_into_an_index(network):
    cjk = "".join(map(chr, range(0x4E00, 0x4E00 + 60)))
    names = [
        "-".join(cjk),
        "".join(map(chr, range(0xFDF0, 0xFDFC))) * 10,
        "".join(map(chr, range(0x10780, 0x107F8))),
        "a'" * 60,
    ]
    students = [
        create_student(name[:120], registration=f"s-{n}")
        for n, name in enumerate(names)
    ]

    for student in students:
        matches = Student.objects.filter(
            name_search.name_filter("sort_key", student.name)
        )
        assert matches.filter(pk=student.pk).exists()

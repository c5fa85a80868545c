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
]
SEARCH_CASES = [
    ("ana", {0}),
    ("ANÁ", {0}),
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
    ("%", set(range(7))),
    ("_na", set()),
    ("a" * 120, set()),
    ("", set(range(7))),
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
        School.objects.create(network_id=1, inep_code=f"9900000{number}", name=name)

    matches = School.objects.filter(name_search.name_filter("sort_key", text))

    codes = matches.filter(inep_code__startswith="99").values_list(
        "inep_code", flat=True
    )
    assert set(codes) == {f"9900000{number}" for number in expected}

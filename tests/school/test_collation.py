import pytest
from regress import Regex

from school.collation import MAX_PART_BYTES, normalize_name, sort_key
from school.models import Student
from tests.support.school_factory import create_student

IN_ORDER = [
    "Ana",
    "Ana Abreu",
    "ANA ÁVILA",
    "Anã Ávila",
    "Ana-Bela",
    "Anabela",
    "Ângela",
    "Caça",
    "Caçador",
    "Cacau",
    "D'Ávila",
    "Dávila",
    "Érica",
    "Ícaro",
    "Lukas",
    "Łukasz",
    "Luzia",
    "Zélia",
    "Zolc",
    "Żółć",
]  # fmt: skip


def test_sort_key_orders_names_in_portuguese():
    assert sorted(reversed(IN_ORDER), key=sort_key) == IN_ORDER


def test_sort_key_ignores_case():
    assert sort_key("ÂNGELA") == sort_key("ângela")


@pytest.mark.django_db
def test_database_order_equals_python_order(network):
    for number, name in enumerate(reversed(IN_ORDER)):
        create_student(name, registration=f"sort-{number}")

    students = Student.objects.filter(registration__startswith="sort-")

    assert (
        list(students.order_by("sort_key").values_list("name", flat=True)) == IN_ORDER
    )


@pytest.mark.django_db
def test_sort_key_is_updated_with_the_name(network):
    student = Student.objects.first()
    student.name = "Zuleica"
    student.save(update_fields=["name"])

    student.refresh_from_db()
    assert bytes(student.sort_key) == sort_key("Zuleica")


def latin_letters():
    """Return all letters of the Latin script that this Python knows."""
    is_latin = Regex(r"^\p{Script=Latin}$", "u")
    letters = (chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF)
    return [c for c in letters if c.isalpha() and is_latin.find(c)]


@pytest.mark.guarantee("Names are found by the letters of an ordinary keyboard.")
def test_every_latin_letter_has_keys_of_an_ordinary_keyboard():
    keys = {letter: normalize_name(f"x{letter}x") for letter in latin_letters()}

    assert len(keys) > 1000
    assert [c for c, key in keys.items() if not key.isascii()] == []
    # Glottal stops and the like are typed as apostrophes, which separate words.
    assert {key for key in keys.values() if key.replace(" ", "") == "xx"} == {"x x"}
    assert keys["ʔ"] == keys["Ꞌ"] == normalize_name("x'x")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Ʉmʉkomahsã", "umukomahsa"),
        ("Łukasz Żółć", "lukasz zolc"),
        ("Nguyễn Đặng", "nguyen dang"),
        ("Groß ẞ", "gross ss"),
        ("Ǹjọ̀kú Ɓala Ɖodzi Ŋwu", "njoku bala dodzi ngwu"),
        ("Þór Æsa Œuvre", "thor aesa oeuvre"),
        ("ﬁlho Ǆ ㎏", "filho dz kg"),
        ("D’Ávila D´Ávila DʼÁvila D`Ávila", "d avila d avila d avila d avila"),
        ("Ana\u00adMaria Jo\u200bão", "anamaria joao"),
        ("Юлия 田中 محمد", "юлия 田中 محمد"),
    ],
)
def test_normalize_name_writes_letters_of_an_ordinary_keyboard(name, words):
    assert normalize_name(name) == words


def test_sort_key_is_bounded_for_an_index():
    longest = max(len(sort_key(letter * 120)) for letter in "aﷺ田𐞀㍿")

    assert longest <= 3 * MAX_PART_BYTES + 2
    assert len(sort_key("𐞀" * 120)) < MAX_PART_BYTES * 2

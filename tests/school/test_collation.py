import pytest

from school.collation import sort_key
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
    "Zélia",
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

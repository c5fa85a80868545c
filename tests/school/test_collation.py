import pytest

from school.collation import sort_key
from school.models import Student

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


def test_names_sort_in_portuguese():
    assert sorted(reversed(IN_ORDER), key=sort_key) == IN_ORDER


def test_case_makes_no_difference():
    assert sort_key("ÂNGELA") == sort_key("ângela")


@pytest.mark.django_db
def test_database_sorts_as_python_does(network):
    for number, name in enumerate(reversed(IN_ORDER)):
        Student.objects.create(
            network_id=1,
            registration=f"sort-{number}",
            name=name,
            birth_date="2015-01-01",
        )

    found = Student.objects.filter(registration__startswith="sort-")

    assert list(found.order_by("sort_key").values_list("name", flat=True)) == IN_ORDER


@pytest.mark.django_db
def test_key_follows_the_name(network):
    student = Student.objects.first()
    student.name = "Zuleica"
    student.save(update_fields=["name"])

    student.refresh_from_db()
    assert bytes(student.sort_key) == sort_key("Zuleica")

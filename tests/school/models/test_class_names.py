"""Codes of classes, and names that are unique per school, year, shift and grade levels."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from school import models as m

pytestmark = pytest.mark.django_db
LEVEL_ONE, LEVEL_TWO, LEVEL_THREE = 1, 2, 3


def create_class(*levels, name="A", shift="morning", **values):
    school_class = m.SchoolClass.objects.create(
        **{"school_id": 1, "school_year_id": 1, **values}, name=name, shift=shift
    )
    school_class.grade_levels.add(*levels)
    return school_class


def key_of(school_class):
    return m.SchoolClass.objects.get(pk=school_class.pk).levels_key


def test_demo_classes_have_the_key_of_their_levels(network):
    for school_class in m.SchoolClass.objects.prefetch_related("grade_levels"):
        ids = sorted(level.pk for level in school_class.grade_levels.all())
        assert school_class.levels_key == ",".join(map(str, ids)) != ""


@pytest.mark.guarantee(
    "Names of classes are unique per school, year, shift and levels."
)
def test_same_name_is_accepted_in_another_shift_or_level_only(network):
    create_class(LEVEL_ONE)
    create_class(LEVEL_ONE, shift="afternoon")
    create_class(LEVEL_TWO)
    create_class(LEVEL_ONE, LEVEL_TWO)
    create_class(LEVEL_ONE, school_id=2)

    with pytest.raises(IntegrityError), transaction.atomic():
        create_class(LEVEL_ONE)
    with pytest.raises(IntegrityError), transaction.atomic():
        create_class(LEVEL_TWO, LEVEL_ONE)


def test_bulk_written_levels_make_names_unique(network):
    classes = m.SchoolClass.objects.bulk_create(
        m.SchoolClass(school_id=1, school_year_id=1, name="A", shift="morning")
        for _ in range(2)
    )
    through = m.SchoolClass.grade_levels.through
    through.objects.bulk_create([through(schoolclass=classes[0], gradelevel_id=1)])

    with pytest.raises(IntegrityError), transaction.atomic():
        through.objects.bulk_create([through(schoolclass=classes[1], gradelevel_id=1)])
    through.objects.bulk_create([through(schoolclass=classes[1], gradelevel_id=2)])
    with pytest.raises(IntegrityError), transaction.atomic():
        through.objects.filter(schoolclass=classes[1]).update(gradelevel_id=1)
    assert [key_of(school_class) for school_class in classes] == ["1", "2"]


def test_change_of_levels_changes_the_key(network):
    school_class = create_class(LEVEL_ONE)
    keys = [key_of(school_class)]
    for change in (
        lambda levels: levels.add(LEVEL_THREE, LEVEL_TWO),
        lambda levels: levels.remove(LEVEL_ONE),
        lambda levels: levels.set([LEVEL_ONE]),
        lambda levels: levels.clear(),
        lambda _levels: m.GradeLevel.objects.get(pk=LEVEL_TWO).classes.add(
            school_class
        ),
    ):
        change(school_class.grade_levels)
        keys.append(key_of(school_class))

    assert keys == ["1", "1,2,3", "2,3", "1", "", "2"]


def test_levels_between_those_of_other_classes_are_accepted(network):
    """Between two statements the class would have the levels of another one."""
    create_class(LEVEL_ONE)
    create_class(LEVEL_TWO)
    both = create_class(LEVEL_ONE, LEVEL_TWO)
    assert key_of(both) == "1,2"

    both.delete()

    assert m.SchoolClass.objects.filter(name="A", school=1).count() == 2


def test_saved_object_with_an_old_key_changes_no_key(network):
    school_class = create_class(LEVEL_ONE)
    assert school_class.levels_key == ""

    school_class.name = "B"
    school_class.save()
    m.SchoolClass.objects.filter(pk=school_class.pk).update(levels_key="7")

    assert key_of(school_class) == "1"


@pytest.mark.guarantee("The network's code of a class is unique per school and year.")
def test_code_is_unique_where_given(network):
    create_class(LEVEL_ONE, name="A", code="T-1")
    create_class(LEVEL_ONE, name="B")
    create_class(LEVEL_ONE, name="C")
    create_class(LEVEL_ONE, name="A", code="T-1", school_id=2)
    again = m.SchoolClass(
        school_id=1, school_year_id=1, name="D", shift="morning", code="T-1"
    )

    with pytest.raises(ValidationError) as refusal:
        again.full_clean()
    assert list(refusal.value.message_dict) == ["code"]
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save()


def test_full_clean_of_a_second_class_without_levels_names_the_field(network):
    create_class()

    with pytest.raises(ValidationError) as refusal:
        m.SchoolClass(
            school_id=1, school_year_id=1, name="A", shift="morning"
        ).full_clean()
    assert list(refusal.value.message_dict) == ["name"]


class TestForm:
    URL = "/admin/school/schoolclass/"
    ROWS = {"offerings-TOTAL_FORMS": "0", "offerings-INITIAL_FORMS": "0"}

    def save(self, client, levels, school_class=None, **values):
        data = {
            "school": 1, "school_year": 1, "name": "A", "kind": "regular",
            "shift": "morning", "grade_levels": levels, **self.ROWS, **values,
        }  # fmt: skip
        page = f"{school_class.pk}/change/" if school_class else "add/"
        return client.post(f"{self.URL}{page}", data)

    def errors_of(self, answer):
        assert answer.status_code == 200
        return set(answer.context["adminform"].form.errors)

    def test_form_refuses_the_name_only_with_the_same_levels(self, admin_client):
        create_class(LEVEL_ONE)

        assert self.save(admin_client, [LEVEL_TWO]).status_code == 302
        assert self.errors_of(self.save(admin_client, [LEVEL_ONE])) == {"name"}

    def test_form_changes_name_and_levels_together(self, admin_client):
        school_class = create_class(LEVEL_ONE, name="B")
        create_class(LEVEL_ONE)
        create_class(LEVEL_TWO)

        answer = self.save(admin_client, [LEVEL_ONE, LEVEL_TWO], school_class)
        assert answer.status_code == 302
        assert key_of(school_class) == "1,2"
        answer = self.save(admin_client, [LEVEL_ONE, LEVEL_THREE], school_class)
        assert answer.status_code == 302
        assert key_of(school_class) == "1,3"

    def test_form_refuses_to_remove_a_level_with_enrolments(self, admin_client):
        school_class = m.SchoolClass.objects.get(pk=1)

        answer = self.save(admin_client, [9], school_class, name=school_class.name)

        assert self.errors_of(answer) == {"grade_levels"}

    def test_form_without_levels_is_refused_at_the_field(self, admin_client):
        assert self.errors_of(self.save(admin_client, [])) == {"grade_levels"}

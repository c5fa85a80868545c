"""The people of the matrix, what happens to them, and a network that hardly anybody sees."""

from collections.abc import Mapping

import pytest

from api.auth.tokens import access_token_for
from school.models import (
    Attachment,
    Enrolment,
    Grade,
    Network,
    Offering,
    Role,
    School,
    SchoolClass,
    SchoolYear,
    Student,
    Term,
    User,
)
from tasks.status import access_version
from tests.api.access_matrix.expected_access import SEES
from tests.api.access_matrix.rights_changes import change
from tests.support.contract import ContractClient


@pytest.fixture(scope="module")
def tokens(written_once) -> Mapping[str, str]:
    """Of everybody, and of those who were let in once: what they have is written with it."""
    return written_once(_settle)


@pytest.fixture
def people(network, tokens) -> dict[str, User]:
    """Who may see something, by name; each sees what `tests.api.access_matrix.expected_access` says."""
    found = User.objects.in_bulk(SEES, field_name="username")
    for user in found.values():
        access_version.cache(user)
    return {name: found[name] for name in SEES}


@pytest.fixture
def clients(people, tokens) -> Mapping[str, ContractClient]:
    """Everybody's, and of those who were let in once, or never."""
    found = {name: _bearer(token) for name, token in tokens.items()}
    return {**found, "anonymous": ContractClient(), "forger": _bearer("forged")}


def _bearer(token: str) -> ContractClient:
    return ContractClient(headers={"Authorization": f"Bearer {token}"})


def _settle() -> Mapping[str, str]:
    _make_another_network()
    User.objects.create_superuser("superuser")
    _user("administrator", Role.ADMINISTRATOR, network_id=1)
    _user("colleague", Role.TEACHER, school_class_id=1)
    _user("neighbour", Role.STAFF, school_id=3)
    # Equal stamps that Redis knows: no poll is refused for want of a stamp alone.
    User.objects.update(access_version=9)
    disabled = _user("disabled", Role.STAFF, school_id=1)
    deleted = _user("deleted", Role.STAFF, school_id=1)
    everybody = [*User.objects.filter(username__in=SEES), disabled, deleted]
    found = {user.username: access_token_for(user) for user in everybody}
    disabled.is_active = False
    disabled.save()
    deleted.delete()
    return found


@pytest.fixture
def happen(people, django_capture_on_commit_callbacks):
    """Change somebody's rights, and let Redis hear of it as it does after a commit."""

    def happen(how, name):
        with django_capture_on_commit_callbacks(execute=True):
            change(how, User.objects.get(username=name))

    return happen


def _user(name: str, role: Role, **attached: int) -> User:
    user = User.objects.create(username=name, role=role)
    Attachment.objects.create(user=user, **attached)
    return user


def _make_another_network() -> None:
    """Network 2 with school 4, class 5 and student 101, who has one grade."""
    other = Network.objects.create(pk=2, code="other", name="Outra rede")
    days = {"starts_on": "2026-02-01", "ends_on": "2026-12-01"}
    year = SchoolYear.objects.create(pk=2, network=other, year=2026, **days)
    Term.objects.create(pk=101, school_year=year, number=1, **days)
    school = School.objects.create(
        pk=4, network=other, inep_code="99000001", name="Outra escola"
    )
    its_class = SchoolClass.objects.create(
        pk=5, school=school, school_year=year, name="Outra turma", shift="morning"
    )
    student = Student.objects.create(
        pk=101,
        network=other,
        registration="1",
        name="Ana Outra",
        birth_date="2015-01-01",
    )
    enrolment = Enrolment.objects.create(
        pk=1001, student=student, school_class=its_class, grade_level_id=1,
        diary_number=1, entry_date="2026-02-01",
    )  # fmt: skip
    offering = Offering.objects.create(pk=1001, school_class=its_class, subject_id=1)
    Grade.objects.create(enrolment=enrolment, offering=offering, term=1, tenths=77)

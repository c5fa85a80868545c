"""Users of the access matrix, changes to their rights, and a second network."""

from collections.abc import Mapping

import pytest

from api.auth.tokens import access_token_for
from school.models import (
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
from tests.api.access_matrix.expected_access import EXPECTED_ACCESS
from tests.api.access_matrix.rights_changes import apply_change
from tests.support.contract import ContractClient
from tests.support.school_factory import create_user


@pytest.fixture(scope="module")
def tokens(create_for_module) -> Mapping[str, str]:
    """Access token per username, also of the disabled and the deleted user."""
    return create_for_module(_create_users)


@pytest.fixture
def users(network, tokens) -> dict[str, User]:
    """Active users by name; `expected_access` lists what each of them sees."""
    users_by_name = User.objects.in_bulk(EXPECTED_ACCESS, field_name="username")
    for user in users_by_name.values():
        access_version.cache(user)
    return {name: users_by_name[name] for name in EXPECTED_ACCESS}


@pytest.fixture
def clients(users, tokens) -> Mapping[str, ContractClient]:
    """A client per user, and those of the disabled, deleted, anonymous and forged users."""
    clients_by_name = {
        name: _client_with_token(token) for name, token in tokens.items()
    }
    return {
        **clients_by_name,
        "anonymous": ContractClient(),
        "forger": _client_with_token("forged"),
    }


def _client_with_token(token: str) -> ContractClient:
    return ContractClient(headers={"Authorization": f"Bearer {token}"})


def _create_users() -> Mapping[str, str]:
    _create_other_network()
    User.objects.create_superuser("superuser")
    create_user(Role.ADMINISTRATOR, username="administrator", network_id=[1])
    create_user(Role.TEACHER, username="colleague", school_class_id=[1])
    create_user(Role.STAFF, username="neighbour", school_id=[3])
    # Equal access versions, cached in Redis: a poll is never refused for its version alone.
    User.objects.update(access_version=9)
    disabled = create_user(Role.STAFF, username="disabled", school_id=[1])
    deleted = create_user(Role.STAFF, username="deleted", school_id=[1])
    users = User.objects.filter(username__in=[*EXPECTED_ACCESS, "disabled", "deleted"])
    tokens = {user.username: access_token_for(user) for user in users}
    disabled.is_active = False
    disabled.save()
    deleted.delete()
    return tokens


@pytest.fixture
def change_rights(users, django_capture_on_commit_callbacks):
    """Function that changes a user's rights and runs the callbacks of the commit."""

    def change_rights(kind, name):
        with django_capture_on_commit_callbacks(execute=True):
            apply_change(kind, User.objects.get(username=name))

    return change_rights


def _create_other_network() -> None:
    """Create network 2 with school 4, class 5 and student 101, who has one grade."""
    other = Network.objects.create(pk=2, code="other", name="Outra rede")
    days = {"starts_on": "2026-02-01", "ends_on": "2026-12-01"}
    year = SchoolYear.objects.create(pk=2, network=other, year=2026, **days)
    Term.objects.create(pk=101, school_year=year, number=1, **days)
    school = School.objects.create(
        pk=4, network=other, inep_code="99000001", name="Outra escola"
    )
    school_class = SchoolClass.objects.create(
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
        pk=1001, student=student, school_class=school_class, grade_level_id=1,
        diary_number=1, entry_date="2026-02-01",
    )  # fmt: skip
    offering = Offering.objects.create(pk=1001, school_class=school_class, subject_id=1)
    Grade.objects.create(enrolment=enrolment, offering=offering, term=1, tenths=77)

import pytest

from tasks import redis_store
from tests.support.contract import ContractClient

pytestmark = pytest.mark.django_db


def test_healthz_answers_whatever_is_away():
    assert ContractClient().get("/healthz").json() == {"status": "ok"}


def test_readyz_names_what_is_missing():
    answer = ContractClient().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": True,
        "redis": True,
        "dispatcher": False,
        "default": False,
        "reports": False,
        "reports.bulk": False,
    }


def test_readyz_is_ok_when_everybody_is_alive():
    for who in ("dispatcher", "default", "reports", "reports.bulk"):
        redis_store.set_alive(who, seconds=5)

    answer = ContractClient().get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"

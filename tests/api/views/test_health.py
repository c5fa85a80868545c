import pytest

from tasks import redis_store
from tests.support.contract import ContractClient

pytestmark = pytest.mark.django_db


def test_healthz_without_other_processes_returns_200():
    assert ContractClient().get("/healthz").json() == {"status": "ok"}


def test_readyz_with_missing_processes_returns_503():
    answer = ContractClient().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": True,
        "redis": True,
        "dispatcher": False,
        "default": False,
        "reports": False,
        "reports.bulk": False,
        "disk": True,
    }


def test_readyz_with_all_processes_alive_returns_200():
    for process in ("dispatcher", "default", "reports", "reports.bulk"):
        redis_store.set_alive(process, seconds=5)

    answer = ContractClient().get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"

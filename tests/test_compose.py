import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from school.runtime.make_secrets import make_secrets
from school.runtime.processes import service_commands

ROOT = Path(__file__).parent.parent
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OWN_SERVICES = (
    "migrate",
    "web",
    "worker-reports",
    "worker-bulk",
    "worker-default",
    "dispatcher",
)


def test_compose_file_is_valid():
    tool = Path(sys.executable).with_name("check-jsonschema")

    subprocess.run(
        [tool, "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"],
        check=True,
    )


def test_compose_commands_equal_local_commands():
    for name, command in service_commands(bind="0.0.0.0:8000").items():
        expected = ["python", *command[1:]]
        if expected[1].endswith("manage.py"):
            expected[1] = "manage.py"
        assert COMPOSE["services"][name]["command"] == expected, name


@pytest.mark.parametrize("name", OWN_SERVICES)
def test_compose_bounds_temporary_files(name):
    (tmpfs,) = COMPOSE["services"][name]["tmpfs"]

    path, _, options = tmpfs.partition(":")
    assert path == "/tmp"
    assert "size=" in options


def test_compose_redis_is_persistent_and_protected():
    command = " ".join(COMPOSE["services"]["redis"]["command"])

    assert "appendonly yes" in command
    assert "maxmemory-policy volatile-lru" in command
    assert "requirepass" in command


@pytest.mark.parametrize("name", OWN_SERVICES)
def test_compose_service_has_least_privilege(name):
    service = COMPOSE["services"][name]

    assert service["read_only"]
    assert service["user"] == "10001"
    assert service["cap_drop"] == ["ALL"]
    assert service["mem_limit"]
    assert not {"SECRET_KEY", "DATABASE_URL", "REDIS_URL"} & set(service["environment"])


def test_compose_publishes_web_only():
    published = {n: s["ports"] for n, s in COMPOSE["services"].items() if "ports" in s}

    assert list(published) == ["web"]
    assert published["web"][0].startswith("127.0.0.1:")


def test_secrets_are_created_once(tmp_path):
    folder = tmp_path / "secrets"
    make_secrets(folder)
    first = {path.name: path.read_text() for path in folder.iterdir()}
    make_secrets(folder)

    assert first == {path.name: path.read_text() for path in folder.iterdir()}
    assert set(first) == set(COMPOSE["secrets"])
    assert first["redis_password"].strip() in first["redis_url"]

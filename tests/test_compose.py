import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from school.runtime import worker_status
from school.runtime.make_secrets import make_secrets
from school.runtime.pin_images import pin_images
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


DATA_SECRETS = {"database_url", "redis_url", "redis_signing_key"}
SECRETS = {
    "redis": {"redis_password"},
    "postgres": {"postgres_password"},
    "migrate": {"database_url"},
    "web": {*DATA_SECRETS, "secret_key", "jwt_signing_key"},
    "worker-reports": DATA_SECRETS,
    "worker-bulk": DATA_SECRETS,
    "worker-default": DATA_SECRETS,
    "dispatcher": DATA_SECRETS,
    "proxy": {"tls_certificate", "tls_key"},
}


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


@pytest.mark.guarantee("A worker that lives and takes nothing is replaced.")
def test_compose_ends_stuck_workers_by_the_status_of_the_dispatcher():
    services = COMPOSE["services"]
    workers = [name for name in services if name.startswith("worker-")]
    state_dir = re.search(
        r"VAR_DIR=(\S+)", (ROOT / "Dockerfile").read_text().partition("USER")[0]
    )[1]

    assert len(workers) == 3
    for name in workers:
        command = services[name]["healthcheck"]["test"]
        assert command == [
            "CMD", "python", "-m", "school.runtime.worker_probe", "--replace",
            f"{state_dir}/{worker_status.FILE_NAME}",
        ]  # fmt: skip
        # The dispatcher writes it into the volume that they share.
        assert services[name]["volumes"] == services["dispatcher"]["volumes"]
        assert services[name]["restart"] == "unless-stopped"


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


@pytest.mark.guarantee("Containers run without rights that they do not need.")
@pytest.mark.parametrize("name", COMPOSE["services"])
def test_compose_service_has_least_privilege(name):
    service = COMPOSE["services"][name]

    assert service["read_only"]
    assert service["user"] not in ("", "0", "root")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert all(
        re.fullmatch(r"/\S+:size=\d+m(,mode=1777)?", folder)
        for folder in service["tmpfs"]
    )
    assert "/tmp" in [folder.partition(":")[0] for folder in service["tmpfs"]]
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", OWN_SERVICES)
def test_compose_variables_hold_no_secret(name):
    service = COMPOSE["services"][name]

    assert service["user"] == "10001"
    names = {
        "SECRET_KEY",
        "JWT_SIGNING_KEY",
        "REDIS_SIGNING_KEY",
        "DATABASE_URL",
        "REDIS_URL",
    }
    assert not names & set(service["environment"])


@pytest.mark.guarantee("No container has a key that it does not need.")
@pytest.mark.parametrize("name", COMPOSE["services"])
def test_compose_service_has_only_the_secrets_it_needs(name):
    service = COMPOSE["services"][name]

    assert set(service["secrets"]) == SECRETS[name]
    variables = service.get("environment", {})
    files = {
        n for n, value in variables.items() if str(value).startswith("/run/secrets/")
    }
    assert files <= {f"{secret.upper()}_FILE" for secret in SECRETS[name]}


@pytest.mark.guarantee(
    "The proxy reaches the web process alone, and the data nothing outside."
)
def test_compose_networks_separate_proxy_and_data():
    networks = {n: set(s["networks"]) for n, s in COMPOSE["services"].items()}

    assert networks.pop("web") == {"frontend", "backend"}
    assert networks.pop("proxy") == {"frontend"}
    assert all(names == {"backend"} for names in networks.values())
    assert COMPOSE["networks"]["backend"] == {"internal": True}


def test_compose_publishes_web_to_this_host_and_proxy_only():
    published = {n: s["ports"] for n, s in COMPOSE["services"].items() if "ports" in s}

    assert set(published) == {"web", "proxy"}
    assert published["web"][0].startswith("127.0.0.1:")
    assert COMPOSE["services"]["proxy"]["profiles"] == ["proxy"]


FAKE_ENGINE = """#!/bin/sh
echo "$@" >> "$0.log"
[ "$1" = image ] && echo "name@sha256:of-$5"
exit 0
"""


def test_pinned_images_replace_earlier_lines_of_their_variables(tmp_path):
    engine, env_file = tmp_path / "engine", tmp_path / ".env"
    engine.write_text(FAKE_ENGINE)
    engine.chmod(0o700)
    env_file.write_text("PORT=8001\nREDIS_IMAGE=old\n")

    pin_images(ROOT / "compose.yaml", env_file, str(engine))

    lines = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
    repository = "docker.io/library"
    assert lines == {
        "PORT": "8001",
        "REDIS_IMAGE": f"{repository}/redis@sha256:of-{repository}/redis:8",
        "POSTGRES_IMAGE": f"{repository}/postgres@sha256:of-{repository}/postgres:17",
        "PROXY_IMAGE": f"{repository}/nginx@sha256:of-{repository}/nginx:1",
        "PYTHON_IMAGE": f"{repository}/python@sha256:of-{repository}/python:3.13-slim-trixie",
    }
    calls = (tmp_path / "engine.log").read_text()
    assert f"pull --quiet {repository}/redis:8" in calls


def test_secrets_are_created_once(tmp_path):
    folder = tmp_path / "secrets"
    make_secrets(folder)
    first = {path.name: path.read_text() for path in folder.iterdir()}
    make_secrets(folder)

    assert first == {path.name: path.read_text() for path in folder.iterdir()}
    # The certificate and its key come from the operator.
    assert set(first) | {"tls_certificate", "tls_key"} == set(COMPOSE["secrets"])
    assert all(
        len(first[name].strip()) >= 50 for name in ("secret_key", "jwt_signing_key")
    )
    assert first["redis_password"].strip() in first["redis_url"]

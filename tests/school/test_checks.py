"""Checks of the environment, and the start of processes that they prevent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks

from school import settings as settings_module
from school.checks import check_renamed_variables
from school.runtime.embedded_redis import free_port
from school.runtime.environment import RENAMED_VARIABLES, Environment
from school.runtime.processes import MANAGE_PY, service_commands


@pytest.mark.parametrize("suffix", ["", "_FILE"])
def test_variable_with_old_name_is_reported_with_its_new_name(
    settings, monkeypatch, tmp_path, suffix
):
    value = tmp_path / "value"
    value.write_text("5\n")
    monkeypatch.setenv(f"REPUBLISH_SECONDS{suffix}", str(value) if suffix else "5")
    settings.RENAMED_VARIABLES = Environment(state_dir=tmp_path).find_renamed()

    assert [(error.id, error.msg) for error in check_renamed_variables()] == [
        (
            "school.E001",
            "REPUBLISH_SECONDS is not read any more: its name is REPUBLISH_AFTER_SECONDS.",
        )
    ]


def test_environment_without_old_names_has_no_errors(settings):
    assert settings.RENAMED_VARIABLES == {}
    assert check_renamed_variables() == []


def test_renamed_variables_are_read_under_their_new_names_only():
    source = Path(settings_module.__file__).read_text()

    assert [
        name for name in RENAMED_VARIABLES.values() if f'"{name}"' not in source
    ] == []
    assert [name for name in RENAMED_VARIABLES if f'"{name}"' in source] == []


HTTPS = {"IS_HTTPS": True, "TRUSTED_PROXIES": 1}


def check_ids() -> list[str]:
    return [message.id for message in run_checks() if message.id.startswith("school.")]


@pytest.mark.guarantee("Unsafe settings prevent the start.")
@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ({}, []),
        (HTTPS, []),
        ({"SECRET_KEY": "abcdefgh" * 4}, []),
        ({"SECRET_KEY": "abcdefg" * 4}, ["school.E002"]),
        ({"SECRET_KEY": "abcd" * 20}, ["school.E003"]),
        ({"JWT_SIGNING_KEY": "x" * 50}, ["school.E003"]),
        ({"DEBUG": True}, []),
        ({**HTTPS, "DEBUG": True}, ["school.E004"]),
        ({**HTTPS, "TRUSTED_PROXIES": 0}, ["school.W001"]),
        ({**HTTPS, "ALLOWED_HOSTS": ["*"]}, ["school.W002"]),
        ({"SECURITY_CONTACT": ["mailto:a@example.org", "https://example.org/s"]}, []),
        ({"SECURITY_CONTACT": ["a@example.org"]}, ["school.E005"]),
        ({"SECURITY_CONTACT": ["mailto:a@b\nX: y"]}, ["school.E005"]),
    ],
)
def test_check_reports_unsafe_values(settings, values, ids):
    for name, value in values.items():
        setattr(settings, name, value)

    assert check_ids() == ids


PRODUCTION = {
    "PUBLIC_URL": "https://reports.example.org",
    "TRUSTED_PROXIES": "1",
    "SECURITY_CONTACT": "mailto:security@example.org",
}


def test_deployment_check_of_production_settings_is_clean():
    process = subprocess.run(
        [sys.executable, MANAGE_PY, "check", "--deploy", "--fail-level", "WARNING"],
        env={**os.environ, **PRODUCTION},
        capture_output=True,
        text=True,
    )

    assert process.returncode == 0, process.stderr


def start_process(name: str, **variables: str) -> tuple[int, str]:
    """Start a process that is expected to end by itself; return its exit code and its log."""
    process = subprocess.run(
        service_commands(bind=f"127.0.0.1:{free_port()}")[name],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return process.returncode, process.stdout + process.stderr


@pytest.mark.guarantee("Unsafe settings prevent the start.")
@pytest.mark.parametrize(
    ("name", "exit_code"),
    [("web", 3), ("worker-reports", 3), ("worker-default", 3), ("dispatcher", 1)],
)
def test_process_with_short_key_does_not_start(name, exit_code):
    actual_code, log = start_process(name, SECRET_KEY="too-short")

    assert actual_code == exit_code, log
    assert "SECRET_KEY needs 32 bytes or more." in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        (
            {"JWT_SIGNING_KEY": "too-short"},
            "JWT_SIGNING_KEY and JWT_FALLBACK_KEYS need 32 bytes or more each.",
        ),
        ({"DJANGO_DEBUG": "1", **PRODUCTION}, "DJANGO_DEBUG must be off"),
        (
            {"GENERATE_SECRETS": "0"},
            "SECRET_KEY is not set, and GENERATE_SECRETS is off.",
        ),
        ({"LOGINS_PER_USER": "5"}, "its name is LOGIN_FAILURES_PER_USER"),
    ],
)
def test_web_process_with_unsafe_settings_does_not_start(variables, reason):
    exit_code, log = start_process("web", **variables)

    assert exit_code == 3, log
    assert reason in log
    assert "Traceback" not in log

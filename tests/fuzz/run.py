"""Fuzzing run: valid and invalid requests of one role, generated from the contract."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "openapi.yaml"
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
USERS = ("admin", "secretary", "teacher", "guardian", "stranger")
ANONYMOUS = "anonymous"
"""Role of requests without a token."""
PHASES = ("examples", "coverage", "fuzzing", "stateful")


@dataclass(frozen=True)
class FuzzPlan:
    examples: int
    """Number of valid and of invalid requests per operation."""
    seed: int
    phases: Sequence[str] = PHASES


@dataclass
class FuzzResult:
    """Result of the requests of one role."""

    role: str
    cases: int
    seconds: float
    failures: Sequence[Any]
    output: str = field(repr=False)
    """Output of schemathesis, with a curl command for each failure."""


def stack_environment() -> dict[str, str]:
    """Return the environment of a fuzzing stack: documented kinds only, long-lived tokens."""
    return {"REPORT_PACKAGES": "tasks.reports", "ACCESS_TOKEN_MINUTES": "720"}


def write_users(stack: Stack) -> Path:
    """Log every user in and write their tokens to the file that schemathesis reads."""
    # Schemathesis requires a header for every user.
    headers = {ANONYMOUS: {"name": "X-Request-ID", "value": ANONYMOUS}}
    for name in USERS:
        token = stack.as_user(name).token
        headers[name] = {"name": "Authorization", "value": f"Bearer {token}"}
    users = [{"name": name, "fixedHeaders": [item]} for name, item in headers.items()]
    path = stack.folder / "users.json"
    path.write_text(json.dumps({"auth": users}))
    return path


def run_fuzz(stack: Stack, users_path: Path, role: str, plan: FuzzPlan) -> FuzzResult:
    report_path = stack.folder / f"{role}.json"
    command = [
        Path(sys.executable).with_name("st"), "--config-file", CONFIGURATION, "run", SPEC,
        "--url", stack.base_url, "--auth-wfc-user", role, "--phases", ",".join(plan.phases),
        "--max-examples", plan.examples, "--seed", plan.seed, "--no-color",
        "--generation-database", "none", "--report", "json", "--report-json-path", report_path,
    ]  # fmt: skip
    process = subprocess.run(
        [str(argument) for argument in command],
        env={**os.environ, "FUZZ_USERS": str(users_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert process.returncode in (0, 1), process.stdout + process.stderr
    summary = json.loads(report_path.read_text())
    failures = [*summary["failures"], *summary["errors"]]
    return FuzzResult(
        role,
        summary["test_cases"]["generated"],
        summary["running_time"],
        failures,
        process.stdout,
    )

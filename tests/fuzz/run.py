"""Sends the service whatever requests its contract lets one think of, as each role."""

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
"""Who comes without a token."""
PHASES = ("examples", "coverage", "fuzzing", "stateful")


@dataclass(frozen=True)
class FuzzPlan:
    examples: int
    """For each operation, of valid and of invalid requests alike."""
    seed: int
    phases: Sequence[str] = PHASES


@dataclass
class FuzzResult:
    """What came of the requests of one role."""

    role: str
    cases: int
    seconds: float
    failures: Sequence[Any]
    output: str = field(repr=False)
    """What the tool says, with a line of curl for each failure."""


def stack_environment() -> dict[str, str]:
    """Of a stack for this: with the kinds of the contract, and tokens that last."""
    return {"REPORT_PACKAGES": "tasks.reports", "ACCESS_TOKEN_MINUTES": "720"}


def write_users(stack: Stack) -> Path:
    """Log everybody in, once, and keep their tokens where the tool reads them."""
    # The tool wants a header of everybody.
    headers = {ANONYMOUS: {"name": "X-Request-ID", "value": ANONYMOUS}}
    for name in USERS:
        token = stack.as_user(name).token
        headers[name] = {"name": "Authorization", "value": f"Bearer {token}"}
    users = [{"name": name, "fixedHeaders": [it]} for name, it in headers.items()]
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

"""Python client generated from the OpenAPI document."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.contract import load_spec
from tests.support.stack import Stack

CLIENT_DIR = Path(__file__).parent.parent.parent / "clients" / "python"

pytestmark = [
    pytest.mark.one_database("the contract's types do not depend on the database"),
    pytest.mark.deep("it installs packages"),
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Environment of the client; skips where its packages cannot be fetched."""
    folder = tmp_path_factory.mktemp("python_client")
    script = [sys.executable, str(CLIENT_DIR / "generate.py")]
    process = subprocess.run(
        [*script, str(folder / "environment"), str(folder)],
        capture_output=True,
        text=True,
        timeout=110,
    )
    if process.returncode and "Failed to fetch" in process.stderr:
        pytest.skip(f"uv cannot install: {process.stderr[-300:]}")
    assert process.returncode == 0, process.stdout + process.stderr
    return folder


@pytest.fixture
def python(environment: Path) -> Path:
    return environment / "environment" / "bin" / "python"


@pytest.mark.guarantee("A generated client has exact types.")
def test_example_has_exact_types(environment: Path, python: Path):
    options = ["--strict", "--config-file=", "--follow-imports=silent"]
    arguments = [*options, "--python-executable", str(python)]
    command = [sys.executable, "-m", "mypy", *arguments]

    def check(source: Path) -> str:
        process = subprocess.run(
            [*command, f"--cache-dir={environment / 'cache'}", str(source)],
            env={**os.environ, "MYPYPATH": str(environment)},
            capture_output=True,
            text=True,
        )
        return process.stdout

    source = (CLIENT_DIR / "example.py").read_text()
    wrong = environment / "wrong.py"
    wrong.write_text(source.replace('report="class_performance"', 'report="none"'))

    assert check(environment / "school_reports_client").startswith("Success")
    assert check(CLIENT_DIR / "example.py").startswith("Success")
    assert "arg-type" in check(wrong)


UNKNOWN_VALUE_PROGRAM = """
import json, sys
from school_reports_client.models import TaskDocument, TaskState

document = json.load(sys.stdin)
task = TaskDocument.from_dict({**document, "state": "paused", "format": "parquet"})
print(task.state, task.format_, task.state in TaskState.__members__.values())
print(task.to_dict()["state"], TaskDocument.from_dict(document).state is TaskState.QUEUED)
"""


def test_values_of_a_newer_service_are_passed_through(environment: Path, python: Path):
    document = load_spec()["components"]["examples"]["queued"]["value"]

    process = subprocess.run(
        [str(python), "-c", UNKNOWN_VALUE_PROGRAM],
        input=json.dumps(document),
        env={**os.environ, "PYTHONPATH": str(environment)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert process.stdout.splitlines() == ["paused parquet False", "paused True"]


def test_example_downloads_a_report(environment: Path, python: Path, stack: Stack):
    process = subprocess.run(
        [str(python), "-P", str(CLIENT_DIR / "example.py")],
        env={**os.environ, "BASE": stack.base_url, "PYTHONPATH": str(environment)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert process.returncode == 0, process.stderr
    title, file, code = process.stdout.splitlines()
    assert title.startswith("Desempenho das turmas · ")
    assert file.endswith(" bytes")
    assert code == "not_found"
    assert process.stderr.splitlines()[-1] == "succeeded"

"""TypeScript client generated from the OpenAPI document."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.contract import SPEC_PATH
from tests.support.node import node_environment
from tests.support.stack import Stack

NO_REGISTRY = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH"
)
PROJECT_DIR = SPEC_PATH.parent / "clients" / "typescript"
STEPS = re.findall(
    r'(?m)^logStep\("(.+)"\);$', (PROJECT_DIR / "test/trip.ts").read_text()
)

pytestmark = pytest.mark.one_database(
    "the contract's types do not depend on the database"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the compiled client, with its packages and generated types."""
    if not shutil.which("npm"):
        pytest.skip("npm, which installs the client's packages, is not installed")
    folder = tmp_path_factory.mktemp("typescript")
    ignore = shutil.ignore_patterns("node_modules", "build", "schema.ts")
    shutil.copytree(PROJECT_DIR, folder, ignore=ignore, dirs_exist_ok=True)
    install = run(folder, "npm", "ci", "--ignore-scripts", "--prefer-offline")
    if install.returncode and NO_REGISTRY.search(install.stderr):
        pytest.skip(f"npm reaches no registry: {install.stderr[-300:]}")
    assert install.returncode == 0, install.stderr
    arguments = ["openapi-typescript", str(SPEC_PATH), "--output", "src/schema.ts"]
    generation = run(folder, "npx", "--no", *arguments)
    assert generation.returncode == 0, generation.stderr
    compilation = run(folder, "npx", "--no", "tsc")
    assert compilation.returncode == 0, compilation.stdout
    return folder


def run(
    folder: Path, *command: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**node_environment(), **variables},
        capture_output=True,
        text=True,
        timeout=90,
    )


@pytest.mark.guarantee("A generated client has exact types.")
@pytest.mark.deep("it installs packages and compiles")
def test_typed_client_completes_every_step(project: Path, stack: Stack):
    client = stack.as_user("teacher")
    slow, long = (
        client.request_report({"report": "slow", "parameters": {"seconds": seconds}})
        for seconds in (8, 60)
    )

    trip = run(
        project, "node", "build/test/trip.js",
        BASE=stack.base_url, SLOW_TASK=slow["task_id"], LONG_TASK=long["task_id"],
    )  # fmt: skip

    assert trip.returncode == 0, trip.stderr
    assert trip.stdout.splitlines() == STEPS
    assert len(STEPS) > 10


@pytest.mark.deep("it installs packages and compiles")
def test_example_downloads_a_report(project: Path, stack: Stack):
    example = run(project, "npm", "run", "--silent", "example", BASE=stack.base_url)

    assert example.returncode == 0, example.stderr
    title, file, code = example.stdout.splitlines()
    assert title.startswith("Class performance · ")
    assert file.endswith(" bytes")
    assert code == "not_found"
    assert example.stderr.splitlines()[-1] == "succeeded"


def test_client_sources_use_no_type_escapes():
    paths = set(PROJECT_DIR.glob("[st]*/*.ts")) - {PROJECT_DIR / "src" / "schema.ts"}
    sources = [path.read_text() for path in paths]  # without what is generated

    type_escape = re.compile(
        r"\bany\b|\bas (?!const\b)\w|@ts-(ignore|nocheck)|!\.|<\w+>\w"
    )
    code = [re.sub(r"//.*|/\*\*.*?\*/", "", source) for source in sources]
    assert not [match for source in code for match in type_escape.findall(source)]


def test_package_lock_names_no_registry():
    lock = json.loads((PROJECT_DIR / "package-lock.json").read_text())

    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert all("integrity" in package for package in packages.values())
    assert not [name for name, package in packages.items() if "resolved" in package]

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.contract import SPEC
from tests.support.stack import Stack

SOURCE = Path(__file__).with_name("typescript")
OLDEST_NODE = 20
STEPS = re.findall(r'(?m)^done\("(.+)"\);$', (SOURCE / "src/trip.ts").read_text())

pytestmark = pytest.mark.one_database(
    "the contract's types know nothing of the database"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client as a web team would have it: its packages, and its generated types."""
    if not _node_is_new_enough():
        pytest.skip(f"Node {OLDEST_NODE} or newer, with npm, is not here")
    folder = tmp_path_factory.mktemp("typescript")
    ignored = shutil.ignore_patterns("node_modules", "build", "schema.ts")
    shutil.copytree(SOURCE, folder, ignore=ignored, dirs_exist_ok=True)
    installed = run(folder, "npm", "ci", "--ignore-scripts", "--prefer-offline")
    if installed.returncode != 0:
        pytest.skip(f"npm cannot install: {installed.stderr[-300:]}")
    arguments = ["openapi-typescript", str(SPEC), "--output", "src/schema.ts"]
    made = run(folder, "npx", "--no", *arguments)
    assert made.returncode == 0, made.stderr
    compiled = run(folder, "npx", "--no", "tsc")
    assert compiled.returncode == 0, compiled.stdout
    return folder


def run(
    folder: Path, *command: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=90,
    )


def _node_is_new_enough() -> bool:
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    version = subprocess.check_output(["node", "--version"], text=True)
    return int(version.lstrip("v").partition(".")[0]) >= OLDEST_NODE


@pytest.mark.guarantee("A generated client has exact types.")
@pytest.mark.deep("it installs packages and compiles")
def test_typed_client_goes_the_whole_way(project: Path, stack: Stack):
    client = stack.as_user("teacher")
    slow, long = (
        client.request_report({"report": "slow", "parameters": {"seconds": seconds}})
        for seconds in (2, 60)
    )

    trip = run(
        project, "node", "build/trip.js",
        BASE=stack.base, SLOW_TASK=slow["task_id"], LONG_TASK=long["task_id"],
    )  # fmt: skip

    assert trip.returncode == 0, trip.stderr
    assert trip.stdout.splitlines() == STEPS
    assert len(STEPS) > 10


def test_nothing_is_forced_on_the_compiler():
    sources = [path.read_text() for path in (SOURCE / "src").glob("*.ts")]

    forced = re.compile(r"\bany\b|\bas (?!const\b)\w|@ts-(ignore|nocheck)|!\.|<\w+>\w")
    code = [re.sub(r"//.*|/\*\*.*?\*/", "", source) for source in sources]
    assert not [found for source in code for found in forced.findall(source)]


def test_lock_names_no_registry():
    lock = json.loads((SOURCE / "package-lock.json").read_text())

    packages = {name: found for name, found in lock["packages"].items() if name}
    assert packages
    assert all("integrity" in found for found in packages.values())
    assert not [name for name, found in packages.items() if "resolved" in found]

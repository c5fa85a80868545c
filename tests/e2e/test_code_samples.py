"""Samples of the contract and of the README, run as they are printed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.contract import load_spec
from tests.support.node import find_node
from tests.support.stack import Stack

pytestmark = pytest.mark.one_database("the samples do not depend on the database")

README = Path(__file__).parent.parent.parent / "README.md"
REPORT_REQUEST = {"report": "class_performance", "parameters": {"class_id": 1}}
CREDENTIALS = {"username": "teacher", "password": "demo"}
EXPECTED_STATUSES = {
    "cancel_task": 409, "create_report": 202, "delete_task": 204, "log_out": 204,
    "log_out_everywhere": 204, "rerun_task": 202,
    # The samples' one-time code is wrong, and no second factor is set up.
    "confirm_otp": 400, "remove_otp": 400, "renew_recovery_codes": 400,
}  # fmt: skip
LAST = ("delete_task", "log_out_everywhere")  # they end the task and the token
REQUIRES_CURL = pytest.mark.skipif(
    not shutil.which("curl"), reason="curl is not installed"
)


def run_curl(sample: str, variables: dict[str, str]) -> int:
    command = sample + ' -o /dev/null -w "%{http_code}"'
    return int(run(["bash", "-c", command], variables))


def run_javascript(sample: str, variables: dict[str, str]) -> int:
    constants = "const { BASE, TOKEN, TASK_ID, REFRESH } = process.env;\n"
    # A browser follows a redirect too.
    command = [find_node(), "--input-type=module", "--eval", constants + sample]
    return int(run(command, variables).split()[0])


def run_python(sample: str, variables: dict[str, str]) -> int:
    constants = "".join(f"{name} = {value!r}\n" for name, value in variables.items())
    return int(run([sys.executable, "-c", constants + sample], variables).split()[0])


def run(command: list[str], variables: dict[str, str]) -> str:
    process = subprocess.run(
        command,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


RUNNERS = {"curl": run_curl, "JavaScript": run_javascript, "Python": run_python}


@pytest.mark.parametrize(
    "label",
    [pytest.param("curl", marks=REQUIRES_CURL), "JavaScript", "Python"],
)
def test_code_samples_of_openapi_document_run(stack: Stack, label: str):
    client = stack.as_user("teacher")
    done = stack.wait_until_final(client, client.request_report(REPORT_REQUEST))
    variables = {
        "BASE": stack.base_url,
        "TASK_ID": done["task_id"],
    }
    name = f"sample_{label}".lower()
    create_user = f"from school.models import User; User.objects.create_user({name!r}, password='demo')"
    stack.manage("shell", "--command", create_user)

    paths = load_spec()["paths"].values()
    operations = {op["operationId"]: op for path in paths for op in path.values()}
    order = [*(operations.keys() - {*LAST}), *LAST]
    statuses = {}
    for operation_id in order:
        samples = operations[operation_id]["x-codeSamples"]
        (sample,) = (it["source"] for it in samples if it["label"] == label)
        token = client.token
        if operation_id == "change_password":  # of a user of its own
            token = stack.as_user(name).token
        if "REFRESH" in sample:  # a refresh token is valid once
            pair = client.request("POST", "/auth/token", CREDENTIALS)
            variables["REFRESH"] = pair["refresh"]
        statuses[operation_id] = RUNNERS[label](sample, {**variables, "TOKEN": token})

    assert statuses == dict.fromkeys(operations, 200) | EXPECTED_STATUSES


def readme_block(language: str) -> str:
    (block,) = re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.S)
    return block


@pytest.mark.parametrize("language", ["js", "python"])
def test_first_request_of_readme_downloads_the_report(stack: Stack, language: str):
    sample = readme_block(language).replace("http://127.0.0.1:8000", stack.base_url)

    command = {
        "js": [find_node(), "--input-type=module", "--eval", sample],
        "python": [sys.executable, "-c", sample],
    }[language]
    lines = run(command, {}).splitlines()

    count = int(re.fullmatch(r"(\d+) rows", lines[0])[1])
    assert count > 0
    assert lines[1].startswith("school,")
    assert len([line for line in lines[2:] if line]) >= count


@REQUIRES_CURL
def test_first_request_of_readme_with_curl_returns_the_report(stack: Stack):
    section = README.read_text().split("## The first request, with curl\n")[1]
    block = re.match(r"\s*\n((?:    .*\n|\n)+)", section)[1]
    sample = block.replace("http://127.0.0.1:8000", stack.base_url)

    assert '"state":"succeeded"' in run(["bash", "-c", sample], {}).replace(" ", "")

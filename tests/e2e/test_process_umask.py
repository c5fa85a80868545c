"""The processes of the service keep their files private, whoever starts them."""

import re
import subprocess
from pathlib import Path

import psutil
import pytest

from school.runtime.embedded_redis import free_port
from school.runtime.processes import service_commands
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.one_database("the mode of files does not depend on the database"),
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc"),
]


def umask_of(pid: int) -> str:
    return re.search(r"^Umask:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)[
        1
    ]


@pytest.mark.guarantee("Files of `make up` are its user's alone.")
@pytest.mark.parametrize(
    ("name", "options", "child_count"),
    [
        ("web", [], 1),
        ("worker-reports", ["--hostname", "private@%h"], 2),
        ("worker-default", ["--hostname", "private@%h"], 0),
        ("dispatcher", [], 0),
    ],
)
def test_process_started_with_open_umask_makes_it_private(
    stack: Stack, name, options, child_count
):
    command = service_commands(bind=f"127.0.0.1:{free_port()}")[name]
    process = subprocess.Popen(
        [*command, *options],
        env=stack.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        umask=0o022,
    )
    parent = psutil.Process(process.pid)
    try:
        assert umask_of(process.pid) == "0022"
        pids = [process.pid]
        if child_count:  # the children serve requests or make reports
            stack.wait_until(lambda: len(parent.children()) >= child_count)
            pids = [child.pid for child in parent.children()]
        stack.wait_until(lambda: {umask_of(pid) for pid in pids} == {"0077"}, 40)
    finally:
        process.terminate()
        process.wait()

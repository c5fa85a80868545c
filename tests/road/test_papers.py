"""PDFs made by the real workers, whose typesetters are killed or canceled with them."""

import io
import os
import signal

import psutil
import pytest
from pypdf import PdfReader

from school.local.children import kill_group
from tests.stack import LEASE_SECONDS, STUDENTS, Stack

# With those that hurt their workers, too.
pytestmark = pytest.mark.xdist_group("workers")

CARDS = {"report": "report_card", "parameters": {"year": 2026}, "format": "pdf"}


def typesetters(stack: Stack) -> list[psutil.Process]:
    worker = psutil.Process(stack.keeper.processes["worker-reports"].pid)
    return [
        process
        for process in worker.children(recursive=True)
        if any(part.endswith("child.py") for part in process.cmdline())
    ]


def test_cards_of_a_network_are_one_file_of_a_page_each(stack: Stack):
    client = stack.as_user("admin")

    done = stack.finished(client, client.request_report(CARDS), seconds=90)

    assert (done["state"], done["attempt"]) == ("succeeded", 1)
    assert done["progress"]["done"] == done["result"]["rows"]
    [path] = (stack.folder / "artifacts").rglob(f"{done['task_id']}*")
    assert len(PdfReader(io.BytesIO(path.read_bytes())).pages) == STUDENTS
    assert typesetters(stack) == []


def test_typesetter_killed_in_the_middle_costs_an_attempt_and_no_report(stack: Stack):
    client = stack.as_user("admin")
    task = client.request_report(CARDS)

    [first, *_others] = stack.wait(lambda: typesetters(stack))
    os.kill(first.pid, signal.SIGKILL)
    done = stack.finished(client, task, seconds=LEASE_SECONDS + 90)

    assert (done["state"], done["attempt"]) == ("succeeded", 2)


def test_cancel_ends_the_typesetters(stack: Stack):
    client = stack.as_user("admin")
    task = client.request_report(CARDS)
    working = stack.wait(lambda: typesetters(stack))

    client.ask("POST", task["links"]["cancel"])
    done = stack.finished(client, task)

    assert done["state"] == "canceled"
    stack.wait(lambda: not any(process.is_running() for process in working))
    assert not list((stack.folder / "artifacts").rglob(f"*{task['task_id']}*"))


def test_typesetters_of_a_killed_worker_end(stack: Stack):
    client = stack.as_user("admin")
    task = client.request_report(CARDS)
    working = stack.wait(lambda: typesetters(stack))

    kill_group(stack.keeper.processes["worker-reports"])
    stack.start("worker-reports")

    stack.wait(lambda: not any(process.is_running() for process in working))
    done = stack.finished(client, task, seconds=LEASE_SECONDS + 90)
    assert (done["state"], done["attempt"]) == ("succeeded", 2)

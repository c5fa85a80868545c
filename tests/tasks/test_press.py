"""The typesetters as processes: they end with the report, the worker or by themselves."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from tasks import artifacts, lifecycle
from tasks.errors import Canceled
from tasks.making import generate
from tasks.making.production import produce
from tasks.models import Task
from tasks.paper import press
from tasks.progress import Tracker
from tasks.tables import Table, go_on
from tasks.tending import recovery
from tests.making import asked, made

SLEEPS = "import time; time.sleep(60)"
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
REFUSES = "raise ValueError('a secret of a pupil')"
EATS = "bytearray(2**36)"


@pytest.fixture
def child(monkeypatch, tmp_path):
    """Another typesetter, of which the code is given."""

    def put(code: str) -> None:
        path = tmp_path / "child.py"
        path.write_text(code)
        monkeypatch.setattr(press, "CHILD", path)

    return put


def pressing(check=go_on) -> press.Press:
    return press.Press(Table("T", [], iter(()), check=check), io.BytesIO())


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children()}


def files_of(task: Task) -> list[Path]:
    return list(Path(artifacts.settings.ARTIFACTS_DIR).rglob(f"*{task.pk}*"))


def test_cancel_is_heard_while_a_child_works_and_ends_it(child, settings):
    settings.PDF_PROCESSES = 2
    child(SLEEPS)
    before, began = children(), time.monotonic()

    def check() -> None:
        if time.monotonic() > began + 0.5:
            raise Canceled

    with pytest.raises(Canceled), pressing(check) as running:
        for _pdfs in running.printed([[{}], [{}], [{}]]):
            pass

    assert time.monotonic() < began + 5
    assert children() == before


def test_row_that_raises_ends_the_children(child, settings):
    settings.PDF_PROCESSES = 2
    child(SLEEPS)
    before = children()

    def jobs():
        yield [{}]
        assert children() > before
        raise Canceled

    with pytest.raises(Canceled), pressing() as running:
        next(running.printed(jobs()))

    assert children() == before


@pytest.mark.django_db
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_child_inherits_no_connection(child, settings, teacher):
    settings.PDF_PROCESSES = 2
    child(SLEEPS)
    before = children()

    def jobs():
        yield [{}]
        (pid,) = children() - before
        time.sleep(0.2)
        yield {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}

    with pressing() as running:
        started = jobs()
        running._running.append(running._start(next(started)))
        open_files = next(started)

    assert not [name for name in open_files if name.startswith("socket")]
    assert not [name for name in open_files if "sqlite" in name]


def test_child_is_told_no_secret(child, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "of the inside")
    child("import os, sys; sys.exit('SECRET_KEY' in os.environ)")

    with pytest.raises(press.TypesettingFailed, match="0 PDFs"), pressing() as running:
        next(running.printed([[{}]]))


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for it")
def test_child_dies_with_its_worker():
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(press.CHILD)],
        stdin=subprocess.PIPE,  # which stays open: the child is not ended by that
        stdout=subprocess.PIPE,
        text=True,
    )
    child = psutil.Process(int(worker.stdout.readline()))
    time.sleep(0.5)
    assert child.is_running()

    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()

    child.wait(timeout=5)
    worker.stdin.close()
    worker.stdout.close()


WORKER = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-P", sys.argv[1], str(os.getpid()), "0"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.django_db
def test_report_whose_child_is_killed_is_tried_again_and_fails_in_the_end(
    child, teacher
):
    child(KILLED)
    task = asked(teacher, format="pdf")

    for attempt in (1, 2, 3):
        generate.generate_report(str(task.pk))
        task.refresh_from_db()
        assert task.attempt == attempt
        assert task.state == ("failed" if attempt == 3 else "running")
        assert files_of(task) == []
        Task.objects.filter(pk=task.pk).update(lease_until="2020-01-01T00:00:00Z")
        recovery.recover()

    task.refresh_from_db()
    assert task.error["code"] == "internal"


@pytest.mark.django_db
def test_document_that_the_typesetter_refuses_fails_at_once(child, teacher):
    child(REFUSES)

    task = made(teacher, format="pdf")

    assert (task.state, task.attempt) == ("failed", 1)
    assert task.error["code"] == "internal"
    assert "secret" not in str(task.error)


def test_child_that_gives_too_little_is_found_out(child):
    child("")

    with pytest.raises(press.TypesettingFailed), pressing() as running:
        next(running.printed([[{}]]))


@pytest.mark.django_db
@pytest.mark.skipif(sys.platform != "linux", reason="bounded on Linux alone")
def test_child_that_eats_memory_fails_as_such(child, teacher, settings):
    settings.REPORT_MEMORY_BYTES = 50 * 1024 * 1024
    child(EATS)

    task = made(teacher, format="pdf")

    assert (task.state, task.error["code"]) == ("failed", "memory_limit")


@pytest.mark.django_db
def test_report_canceled_while_it_is_printed_ends(child, teacher):
    child(SLEEPS)
    task = lifecycle.claim(asked(teacher, format="pdf").pk)
    before = children()

    tracker = Tracker(lambda progress: None)
    heard = threading.Timer(0.5, setattr, (tracker, "halt", Canceled()))

    heard.start()
    with pytest.raises(Canceled):
        produce(task, tracker)

    assert children() == before
    assert files_of(task) == []

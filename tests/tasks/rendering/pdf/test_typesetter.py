"""Typesetter child processes: lifetime, isolation and failures."""

import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

from tasks import artifacts, lifecycle
from tasks.failures import Canceled
from tasks.maintenance import lease_recovery
from tasks.models import Task
from tasks.progress import Tracker
from tasks.rendering.pdf import typesetter as typesetter_module
from tasks.rendering.table import Table, never_stop
from tasks.worker import tasks
from tasks.worker.build import build_report
from tests.support.task_factories import queue_task, run_task

SLEEP_CODE = "import time; time.sleep(60)"
KILL_CODE = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
RAISE_CODE = "raise ValueError('a secret of a student')"
ALLOCATE_CODE = "bytearray(2**36)"
EXIT_CODE = "import os; os._exit(0)"
FAKE_TYPST = """
class Fonts:
    def __init__(self, **_): pass

class Compiler:
    def __init__(self, *_, **__): pass

    def compile(self, **_):
        """


@pytest.fixture
def fake_typst(monkeypatch, tmp_path):
    """Installer of a fake typst library that runs the given code."""

    def install(code: str, before: str = "") -> None:
        (tmp_path / "typst.py").write_text(f"{before}\n{FAKE_TYPST}{code}\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return install


def make_pool(check=never_stop) -> typesetter_module.TypesetterPool:
    return typesetter_module.TypesetterPool(
        Table("T", [], iter(()), raise_if_stopped=check), io.BytesIO()
    )


def child_processes() -> set[psutil.Process]:
    """Return all descendants of this process."""
    return set(psutil.Process().children(recursive=True))


def wait_for_typesetters(before: set[psutil.Process]) -> list[psutil.Process]:
    """Wait for the typesetter child and the process it forks for a job."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        processes = sorted(child_processes() - before, key=psutil.Process.create_time)
        if len(processes) == 2:
            return processes
        time.sleep(0.01)
    raise AssertionError("no typesetter has started")


def artifact_files(task: Task) -> list[Path]:
    return list(Path(artifacts.settings.ARTIFACTS_DIR).rglob(f"*{task.pk}*"))


def test_cancel_during_typesetting_ends_children(fake_typst, settings):
    settings.PDF_PROCESSES = 2
    fake_typst(SLEEP_CODE)
    before, started_at = child_processes(), time.monotonic()

    def check() -> None:
        if time.monotonic() > started_at + 0.5:
            raise Canceled

    with pytest.raises(Canceled), make_pool(check) as pool:
        for _pdfs in pool.render([[{}], [{}], [{}]]):
            pass

    assert time.monotonic() < started_at + 5
    assert child_processes() == before


@pytest.mark.guarantee("A typesetter ends with its report.")
def test_exception_in_row_ends_children(fake_typst, settings):
    settings.PDF_PROCESSES = 2
    fake_typst(SLEEP_CODE)
    before = child_processes()

    def jobs():
        yield [{}]
        wait_for_typesetters(before)
        raise Canceled

    with pytest.raises(Canceled), make_pool() as pool:
        next(pool.render(jobs()))

    assert child_processes() == before


@pytest.mark.guarantee("A typesetter ends with its report.")
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_cancel_ends_suspended_children(fake_typst):
    fake_typst(SLEEP_CODE)
    before = child_processes()

    def check() -> None:
        for process in wait_for_typesetters(before):
            process.suspend()
        raise Canceled

    with pytest.raises(Canceled), make_pool(check) as pool:
        next(pool.render([[{}]]))

    assert child_processes() == before


@pytest.mark.django_db
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_children_inherit_no_connections(fake_typst, teacher):
    fake_typst(SLEEP_CODE)
    before = child_processes()

    with make_pool() as pool:
        pool._running.append(pool._start_job([{}]))
        for child in wait_for_typesetters(before):
            descriptors = list(Path(f"/proc/{child.pid}/fd").iterdir())
            # Standard input is the socket to the typesetter pool.
            targets = {
                os.readlink(descriptor)
                for descriptor in descriptors
                if descriptor.name != "0"
            }
            assert not [name for name in targets if name.startswith("socket")]
            assert not [name for name in targets if "sqlite" in name]


def test_child_environment_has_no_secret_key(fake_typst, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "secret")
    fake_typst("import os; os._exit('SECRET_KEY' in os.environ)")

    with (
        pytest.raises(typesetter_module.TypesettingFailed, match="0 PDFs"),
        make_pool() as pool,
    ):
        next(pool.render([[{}]]))


@pytest.mark.guarantee("A typesetter ends with its report.")
@pytest.mark.skipif(
    sys.platform != "linux", reason="the parent death signal exists on Linux only"
)
def test_children_die_with_killed_worker(fake_typst):
    fake_typst(SLEEP_CODE)
    # It stays open, so closing it does not end the children.
    ours, theirs = socket.socketpair()
    before = child_processes()
    worker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            WORKER_SCRIPT,
            str(typesetter_module.CHILD_SCRIPT),
            str(theirs.fileno()),
        ],
        pass_fds=[theirs.fileno()],
    )
    with ours, theirs, tempfile.TemporaryFile() as job, tempfile.TemporaryFile() as out:
        job.write(b"{}\n")
        job.seek(0)
        socket.send_fds(ours, [b"."], [job.fileno(), out.fileno()])
        children = wait_for_typesetters(before | {psutil.Process(worker.pid)})

        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()

        assert psutil.wait_procs(children, timeout=5)[1] == []


WORKER_SCRIPT = """
import os, subprocess, sys, time
subprocess.Popen(
    [sys.executable, "-P", sys.argv[1], str(os.getpid()), "0"], stdin=int(sys.argv[2]))
time.sleep(60)
"""


@pytest.mark.guarantee(
    "A typesetter failure is attributed to its cause: the host or the report."
)
@pytest.mark.skipif(
    sys.platform != "linux", reason="the parent death signal exists on Linux only"
)
@pytest.mark.parametrize("process_index", [0, 1])
def test_killed_child_raises_child_process_error(fake_typst, settings, process_index):
    settings.PDF_PROCESSES = 2
    fake_typst(SLEEP_CODE)
    before = child_processes()

    def jobs():
        yield [{}]
        wait_for_typesetters(before)[process_index].kill()

    with pytest.raises(ChildProcessError), make_pool() as pool:
        next(pool.render(jobs()))

    assert child_processes() == before


@pytest.mark.guarantee(
    "A typesetter failure is attributed to its cause: the host or the report."
)
@pytest.mark.parametrize(
    ("code", "before", "error_class"),
    [
        ("raise OSError('no room')", "", ChildProcessError),
        ("pass", "import os\ndef fork(): raise OSError\nos.fork = fork", ChildProcessError),
        ("pass", "raise ImportError", typesetter_module.TypesettingFailed),
        ("pass", "raise MemoryError", MemoryError),
        ("raise MemoryError", "", MemoryError),
        ("import os; os.write(2, b'memory allocation of 9 bytes failed'); os.abort()", "", MemoryError),
    ],
)  # fmt: skip
def test_typesetter_failure_raises_matching_error(
    fake_typst, code, before, error_class
):
    fake_typst(code, before)

    with pytest.raises(error_class), make_pool() as pool:
        next(pool.render([[{"crest": []}]]))


@pytest.mark.django_db
def test_report_with_killed_child_fails_after_three_attempts(fake_typst, teacher):
    fake_typst(KILL_CODE)
    task = queue_task(teacher, format="pdf")

    for attempt in (1, 2, 3):
        tasks.generate_report(str(task.pk))
        task.refresh_from_db()
        assert task.attempt == attempt
        assert task.state == ("failed" if attempt == 3 else "running")
        assert artifact_files(task) == []
        Task.objects.filter(pk=task.pk).update(lease_until="2020-01-01T00:00:00Z")
        lease_recovery.recover_tasks()

    task.refresh_from_db()
    assert task.error["code"] == "internal"


@pytest.mark.django_db
def test_rejected_document_fails_at_first_attempt(fake_typst, teacher):
    fake_typst(RAISE_CODE)

    task = run_task(teacher, format="pdf")

    assert (task.state, task.attempt) == ("failed", 1)
    assert task.error["code"] == "internal"
    assert "secret" not in str(task.error)


def test_child_without_output_raises_typesetting_failed(fake_typst):
    fake_typst(EXIT_CODE)

    with pytest.raises(typesetter_module.TypesettingFailed), make_pool() as pool:
        next(pool.render([[{}]]))


@pytest.mark.django_db
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_child_over_memory_limit_fails_task(fake_typst, teacher, settings):
    settings.REPORT_MEMORY_LIMIT_BYTES = 50 * 1024 * 1024
    fake_typst(ALLOCATE_CODE)

    task = run_task(teacher, format="pdf")

    assert (task.state, task.error["code"]) == ("failed", "memory_limit")


@pytest.mark.django_db
def test_cancel_during_pdf_build_leaves_no_file(fake_typst, teacher):
    fake_typst(SLEEP_CODE)
    task = lifecycle.claim(queue_task(teacher, format="pdf").pk)
    before = child_processes()

    tracker = Tracker(lambda progress: None)
    timer = threading.Timer(0.5, setattr, (tracker, "stop_reason", Canceled()))

    timer.start()
    with pytest.raises(Canceled):
        build_report(task, tracker)

    assert child_processes() == before
    assert artifact_files(task) == []


def test_greenlets_run_during_typesetting(fake_typst):
    fake_typst("import time; time.sleep(0.5); return b'set'")

    result = subprocess.run(
        [sys.executable, "-c", GREENLET_SCRIPT],
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout == "[[b'set'], [b'set']] True\n"


# Runs in its own process, because gevent patches the whole process.
GREENLET_SCRIPT = """
from gevent import monkey; monkey.patch_all()
import io
import django, gevent
django.setup()
from tasks.rendering.pdf.typesetter import TypesetterPool
from tasks.rendering.table import Table

def count():
    while True:
        gevent.sleep(0.01)
        turns.append(None)

turns = []
gevent.spawn(count)
with TypesetterPool(Table("T", [], iter(())), io.BytesIO()) as pool:
    print(list(pool.render([[{}], [{}]])), len(turns) > 20)
"""

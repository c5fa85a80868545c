"""The typesetters as processes: they end with the report, the worker or by themselves."""

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
from tasks.errors import Canceled
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
RAISE_CODE = "raise ValueError('a secret of a pupil')"
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
    """Another library that sets in type, of which the code is given."""

    def install(code: str, before: str = "") -> None:
        (tmp_path / "typst.py").write_text(f"{before}\n{FAKE_TYPST}{code}\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return install


def make_pool(check=never_stop) -> typesetter_module.TypesetterPool:
    return typesetter_module.TypesetterPool(
        Table("T", [], iter(()), raise_if_stopped=check), io.BytesIO()
    )


def child_processes() -> set[psutil.Process]:
    """All below this process."""
    return set(psutil.Process().children(recursive=True))


def wait_for_typesetters(before: set[psutil.Process]) -> list[psutil.Process]:
    """The child of the press and what it forked for a job, once they are there."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        processes = sorted(child_processes() - before, key=psutil.Process.create_time)
        if len(processes) == 2:
            return processes
        time.sleep(0.01)
    raise AssertionError("nothing is set")


def artifact_files(task: Task) -> list[Path]:
    return list(Path(artifacts.settings.ARTIFACTS_DIR).rglob(f"*{task.pk}*"))


def test_cancel_is_heard_while_a_child_works_and_ends_it(fake_typst, settings):
    settings.PDF_PROCESSES = 2
    fake_typst(SLEEP_CODE)
    before, began = child_processes(), time.monotonic()

    def check() -> None:
        if time.monotonic() > began + 0.5:
            raise Canceled

    with pytest.raises(Canceled), make_pool(check) as running:
        for _pdfs in running.render([[{}], [{}], [{}]]):
            pass

    assert time.monotonic() < began + 5
    assert child_processes() == before


@pytest.mark.guarantee("A typesetter ends with its report.")
def test_row_that_raises_ends_the_children(fake_typst, settings):
    settings.PDF_PROCESSES = 2
    fake_typst(SLEEP_CODE)
    before = child_processes()

    def jobs():
        yield [{}]
        wait_for_typesetters(before)
        raise Canceled

    with pytest.raises(Canceled), make_pool() as running:
        next(running.render(jobs()))

    assert child_processes() == before


@pytest.mark.guarantee("A typesetter ends with its report.")
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_cancel_ends_those_that_are_frozen(fake_typst):
    fake_typst(SLEEP_CODE)
    before = child_processes()

    def check() -> None:
        for process in wait_for_typesetters(before):
            process.suspend()
        raise Canceled

    with pytest.raises(Canceled), make_pool(check) as running:
        next(running.render([[{}]]))

    assert child_processes() == before


@pytest.mark.django_db
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_children_inherit_no_connection(fake_typst, teacher):
    fake_typst(SLEEP_CODE)
    before = child_processes()

    with make_pool() as running:
        running._running.append(running._start_job([{}]))
        for child in wait_for_typesetters(before):
            links = list(Path(f"/proc/{child.pid}/fd").iterdir())
            # At the standard input there is the line to the press.
            others = {os.readlink(link) for link in links if link.name != "0"}
            assert not [name for name in others if name.startswith("socket")]
            assert not [name for name in others if "sqlite" in name]


def test_child_is_told_no_secret(fake_typst, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "of the inside")
    fake_typst("import os; os._exit('SECRET_KEY' in os.environ)")

    with (
        pytest.raises(typesetter_module.TypesettingFailed, match="0 PDFs"),
        make_pool() as running,
    ):
        next(running.render([[{}]]))


@pytest.mark.guarantee("A typesetter ends with its report.")
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for it")
def test_children_die_with_their_worker(fake_typst):
    fake_typst(SLEEP_CODE)
    # Which stays open: they are not ended by that.
    line, theirs = socket.socketpair()
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
    with line, theirs, tempfile.TemporaryFile() as job, tempfile.TemporaryFile() as out:
        job.write(b"{}\n")
        job.seek(0)
        socket.send_fds(line, [b"."], [job.fileno(), out.fileno()])
        working = wait_for_typesetters(before | {psutil.Process(worker.pid)})

        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()

        assert psutil.wait_procs(working, timeout=5)[1] == []


WORKER_SCRIPT = """
import os, subprocess, sys, time
subprocess.Popen(
    [sys.executable, "-P", sys.argv[1], str(os.getpid()), "0"], stdin=int(sys.argv[2]))
time.sleep(60)
"""


@pytest.mark.guarantee(
    "A typesetter's failure is blamed on the host or on the report, whichever caused it."
)
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for it")
@pytest.mark.parametrize("which", [0, 1])
def test_child_that_is_killed_is_the_host_s_fault(fake_typst, settings, which):
    settings.PDF_PROCESSES = 2
    fake_typst(SLEEP_CODE)
    before = child_processes()

    def jobs():
        yield [{}]
        wait_for_typesetters(before)[which].kill()

    with pytest.raises(ChildProcessError), make_pool() as running:
        next(running.render(jobs()))

    assert child_processes() == before


@pytest.mark.guarantee(
    "A typesetter's failure is blamed on the host or on the report, whichever caused it."
)
@pytest.mark.parametrize(
    ("code", "before", "raised"),
    [
        ("raise OSError('no room')", "", ChildProcessError),
        ("pass", "import os\ndef fork(): raise OSError\nos.fork = fork", ChildProcessError),
        ("pass", "raise ImportError", typesetter_module.TypesettingFailed),
        ("pass", "raise MemoryError", MemoryError),
        ("raise MemoryError", "", MemoryError),
        ("import os; os.write(2, b'memory allocation of 9 bytes failed'); os.abort()", "", MemoryError),
    ],
)  # fmt: skip
def test_faults_are_told_apart(fake_typst, code, before, raised):
    fake_typst(code, before)

    with pytest.raises(raised), make_pool() as running:
        next(running.render([[{"crest": []}]]))


@pytest.mark.django_db
def test_report_whose_child_is_killed_is_tried_again_and_fails_in_the_end(
    fake_typst, teacher
):
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
def test_document_that_the_typesetter_refuses_fails_at_once(fake_typst, teacher):
    fake_typst(RAISE_CODE)

    task = run_task(teacher, format="pdf")

    assert (task.state, task.attempt) == ("failed", 1)
    assert task.error["code"] == "internal"
    assert "secret" not in str(task.error)


def test_child_that_gives_too_little_is_found_out(fake_typst):
    fake_typst(EXIT_CODE)

    with pytest.raises(typesetter_module.TypesettingFailed), make_pool() as running:
        next(running.render([[{}]]))


@pytest.mark.django_db
@pytest.mark.skipif(sys.platform != "linux", reason="bounded on Linux alone")
def test_child_that_eats_memory_fails_as_such(fake_typst, teacher, settings):
    settings.REPORT_MEMORY_LIMIT_BYTES = 50 * 1024 * 1024
    fake_typst(ALLOCATE_CODE)

    task = run_task(teacher, format="pdf")

    assert (task.state, task.error["code"]) == ("failed", "memory_limit")


@pytest.mark.django_db
def test_report_canceled_while_it_is_printed_ends(fake_typst, teacher):
    fake_typst(SLEEP_CODE)
    task = lifecycle.claim(queue_task(teacher, format="pdf").pk)
    before = child_processes()

    tracker = Tracker(lambda progress: None)
    heard = threading.Timer(0.5, setattr, (tracker, "stop_reason", Canceled()))

    heard.start()
    with pytest.raises(Canceled):
        build_report(task, tracker)

    assert child_processes() == before
    assert artifact_files(task) == []


def test_greenlets_go_on_while_one_prints(fake_typst):
    fake_typst("import time; time.sleep(0.5); return b'set'")

    done = subprocess.run(
        [sys.executable, "-c", GREENLET_SCRIPT],
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "[[b'set'], [b'set']] True\n"


# In a process of its own, for gevent changes all of it.
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
with TypesetterPool(Table("T", [], iter(())), io.BytesIO()) as press:
    print(list(press.render([[{}], [{}]])), len(turns) > 20)
"""

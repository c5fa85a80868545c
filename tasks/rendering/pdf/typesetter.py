"""Pool of typesetter processes; PDFs are returned in the order of the jobs."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, Self

import structlog
from django.conf import settings

from school.child_environment import minimal_env
from tasks.rendering.table import Table

log = structlog.get_logger(__name__)

CHILD_SCRIPT = Path(__file__).with_name("typesetter_child.py")
CHECK_INTERVAL = 0.2
"""Seconds between two checks whether the report must stop."""
MAX_STDERR_BYTES = 2000
"""Bytes at the end of the children's standard error that an error message repeats."""
CHILD_ENVIRONMENT = {
    # By default typst starts a thread per processor, which other workers need.
    "RAYON_NUM_THREADS": "1",
    # Return free memory to the system: by default malloc raises this threshold over time.
    "MALLOC_TRIM_THRESHOLD_": "131072",
    # A tenth of a job's time would go into page faults: take memory from the system in huge
    # pages, which it gives to the main heap only, and set no second heap up for typst's thread.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_ARENA_MAX": "1",
}
_EXIT_CODE_BYTES = 2
"""Bytes of an exit code."""


class TypesettingFailed(RuntimeError):
    """The typesetter rejected a document: a bug in the template."""


@dataclass(frozen=True)
class _Job:
    output: IO[bytes]
    """Unnamed temporary file: it disappears even if the worker is killed."""
    document_count: int


class TypesetterPool:
    """Pool that runs up to `PDF_PROCESSES` jobs at once; exit kills the child processes.

    One child lives as long as the pool and forks a process for each job. While the pool waits
    it calls `table.raise_if_stopped`. Temporary files are in the folder of the output file.
    """

    def __init__(self, table: Table, file: IO[bytes]) -> None:
        self._raise_if_stopped = table.raise_if_stopped
        issued_at = table.letterhead.issued_at
        self._timestamp = int(issued_at.timestamp()) if issued_at else 0
        name = getattr(file, "name", None)
        self.temp_folder = Path(name).parent if isinstance(name, str) else None
        """Folder of the output file, whose disk has room; None uses the system's default."""
        self._running: deque[_Job] = deque()
        self._is_stderr_logged = False

    def __enter__(self) -> Self:
        """Start the child, which initializes while the first rows are read."""
        # Append mode, so that reading does not change where the children write.
        self._stderr = tempfile.TemporaryFile("a+b", dir=self.temp_folder)  # noqa: SIM115
        self._connection, child_end = socket.socketpair()
        self._connection.settimeout(CHECK_INTERVAL)
        with child_end:
            self._child = subprocess.Popen(  # noqa: S603  (fixed command)
                # -P keeps the script's folder out of sys.path.
                [
                    *(sys.executable, "-P", str(CHILD_SCRIPT)),
                    *(str(os.getpid()), str(self._timestamp)),
                ],
                stdin=child_end.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                env={**minimal_env(), **CHILD_ENVIRONMENT},
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.wait()
        self._connection.settimeout(None)
        with self._connection, suppress(ConnectionError):
            # Every child holds the other end, so this returns when the last one has exited.
            while self._connection.recv(_EXIT_CODE_BYTES):
                pass
        for job in self._running:
            job.output.close()
        self._running.clear()
        self._stderr.close()

    def render(self, jobs: Iterable[Sequence[dict[str, Any]]]) -> Iterator[list[bytes]]:
        """Yield the PDFs of each job's documents, in order; one process does a whole job.

        Raises `TypesettingFailed` if a document is rejected, `MemoryError` if a child ran out
        of memory, and `ChildProcessError` if a child was killed (a fault of the host).
        """
        for job in jobs:
            if len(self._running) >= max(1, settings.PDF_PROCESSES):
                yield self._collect()
            self._running.append(self._start_job(job))
        while self._running:
            yield self._collect()

    def _start_job(self, job: Sequence[dict[str, Any]]) -> _Job:
        output = tempfile.TemporaryFile(dir=self.temp_folder)  # noqa: SIM115  (closed by _collect)
        with tempfile.TemporaryFile(dir=self.temp_folder) as documents:
            for document in job:
                line = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
                documents.write(line.encode() + b"\n")
            documents.seek(0)
            self._send_request(documents.fileno(), output.fileno())
        return _Job(output, len(job))

    def _collect(self) -> list[bytes]:
        """Wait for the oldest job and return its PDFs; it counts as running until it ends."""
        self._send_request()
        code = self._receive_exit_code()
        job = self._running.popleft()
        stderr_tail = self._stderr_tail()
        with job.output:
            _raise_for_exit_code(code, stderr_tail)
            if stderr_tail:
                self._log_stderr(stderr_tail)
            job.output.seek(0)
            pdfs = list(_read_pdfs(job.output))
        if len(pdfs) != job.document_count:
            raise TypesettingFailed(
                f"got {len(pdfs)} PDFs for {job.document_count} documents"
            )
        return pdfs

    def _send_request(self, *files: int) -> None:
        """Start a job if files are given; otherwise ask for the oldest job's exit code."""
        try:
            socket.send_fds(self._connection, [b"."], files)
        except ConnectionError:
            self._raise_child_exit()

    def _receive_exit_code(self) -> int:
        while True:
            self._raise_if_stopped()
            try:
                answer = self._connection.recv(_EXIT_CODE_BYTES)
            except TimeoutError:
                continue
            except ConnectionError:
                answer = b""
            if not answer:
                self._raise_child_exit()
            return int.from_bytes(answer, signed=True)

    def _raise_child_exit(self) -> NoReturn:
        """Raise the error that explains the unexpected exit of the child."""
        _raise_for_exit_code(self._child.wait(), self._stderr_tail())
        raise ChildProcessError("the typesetter exited unexpectedly")

    def _stderr_tail(self) -> bytes:
        """Return the end of the standard error of all children."""
        end = self._stderr.seek(0, os.SEEK_END)
        return os.pread(
            self._stderr.fileno(), MAX_STDERR_BYTES, max(0, end - MAX_STDERR_BYTES)
        )

    def _log_stderr(self, stderr_tail: bytes) -> None:
        """Log the standard error of a successful child, once per report."""
        if not self._is_stderr_logged:
            self._is_stderr_logged = True
            log.warning(
                "typesetter_stderr", stderr=stderr_tail.decode(errors="replace")
            )


def _raise_for_exit_code(code: int, stderr_tail: bytes) -> None:
    message = stderr_tail.decode(errors="replace")
    if b"memory allocation of" in stderr_tail or b"MemoryError" in stderr_tail:
        raise MemoryError(message)
    if code < 0 or code == os.EX_TEMPFAIL:
        raise ChildProcessError(f"the typesetter exited with {code}: {message}")
    if code > 0:
        raise TypesettingFailed(message)


def _read_pdfs(output: IO[bytes]) -> Iterator[bytes]:
    while size := output.read(8):
        yield output.read(int.from_bytes(size))

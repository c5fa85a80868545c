"""Runs the typesetters: child processes side by side, whose PDFs come back in order."""

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

from school.runtime.processes import bare_environment
from tasks.rendering.table import Table

log = structlog.get_logger(__name__)

CHILD = Path(__file__).with_name("typesetter_child.py")
LOOK_SECONDS = 0.2
"""How long it may take to hear that the report is to end."""
TOLD = 2000
"""Bytes of the children's last words that an error repeats."""
ENVIRONMENT = {
    # It would start a thread for each processor, which others need.
    "RAYON_NUM_THREADS": "1",
    # What is free goes back: else the system's allocator keeps more the more is taken.
    "MALLOC_TRIM_THRESHOLD_": "131072",
}
_CODE = 2
"""Bytes of an exit code."""


class TypesettingFailed(RuntimeError):
    """The typesetter refused a document: a fault of our template."""


@dataclass(frozen=True)
class _Job:
    output: IO[bytes]
    """A file without a name: whatever kills us, nothing of it stays."""
    documents: int


class Press:
    """Sets documents in type, `PDF_PROCESSES` jobs at once; leaving it ends its children.

    One child stays as long as the press, and forks another for each job. While it waits it
    asks the table whether the report is to end; what waits for it lies beside the file that is
    written.
    """

    def __init__(self, table: Table, file: IO[bytes]) -> None:
        self._check = table.check
        issued = table.about.issued_at
        self._moment = int(issued.timestamp()) if issued else 0
        name = getattr(file, "name", None)
        self.folder = Path(name).parent if isinstance(name, str) else None
        """On the disk that has room for reports; else the system's own."""
        self._running: deque[_Job] = deque()
        self._is_noted = False

    def __enter__(self) -> Self:
        """Start the child, which gets ready while the first rows are read."""
        # Whatever they say: it is added at the end, wherever it was read.
        self._words = tempfile.TemporaryFile("a+b", dir=self.folder)  # noqa: SIM115
        self._line, theirs = socket.socketpair()
        self._line.settimeout(LOOK_SECONDS)
        with theirs:
            self._child = subprocess.Popen(  # noqa: S603  (our own command)
                # Without the folder of the script among those that are imported from.
                [
                    *(sys.executable, "-P", str(CHILD)),
                    *(str(os.getpid()), str(self._moment)),
                ],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._words,
                env={**bare_environment(), **ENVIRONMENT},
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.wait()
        self._line.settimeout(None)
        with self._line, suppress(ConnectionError):
            # Each of them holds the other end: it closes when the last is gone.
            while self._line.recv(_CODE):
                pass
        for job in self._running:
            job.output.close()
        self._running.clear()
        self._words.close()

    def printed(
        self, jobs: Iterable[Sequence[dict[str, Any]]]
    ) -> Iterator[list[bytes]]:
        """The PDFs of each job's documents; a job is a child's work, and goes through whole.

        Raises `TypesettingFailed`, `MemoryError` where a child had too little memory, and
        `ChildProcessError` where one was killed: that is the host's fault.
        """
        for job in jobs:
            if len(self._running) >= max(1, settings.PDF_PROCESSES):
                yield self._collect()
            self._running.append(self._start(job))
        while self._running:
            yield self._collect()

    def _start(self, job: Sequence[dict[str, Any]]) -> _Job:
        output = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115  (the child's)
        with tempfile.TemporaryFile(dir=self.folder) as documents:
            for document in job:
                line = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
                documents.write(line.encode() + b"\n")
            documents.seek(0)
            self._ask(documents.fileno(), output.fileno())
        return _Job(output, len(job))

    def _collect(self) -> list[bytes]:
        """Wait for the oldest job; it stays among the running until it has ended."""
        self._ask()
        code = self._answer()
        job = self._running.popleft()
        told = self._told()
        with job.output:
            _judge(code, told)
            if told:
                self._note(told)
            job.output.seek(0)
            pdfs = list(_pdfs(job.output))
        if len(pdfs) != job.documents:
            raise TypesettingFailed(f"{len(pdfs)} PDFs of {job.documents} documents")
        return pdfs

    def _ask(self, *files: int) -> None:
        """With files for a job to be done, without for the oldest job's exit code."""
        try:
            socket.send_fds(self._line, [b"."], files)
        except ConnectionError:
            self._find_out()

    def _answer(self) -> int:
        while True:
            self._check()
            try:
                answer = self._line.recv(_CODE)
            except TimeoutError:
                continue
            except ConnectionError:
                answer = b""
            if not answer:
                self._find_out()
            return int.from_bytes(answer, signed=True)

    def _find_out(self) -> NoReturn:
        """Raise why the child is gone, which was to stay."""
        _judge(self._child.wait(), self._told())
        raise ChildProcessError("the typesetter left")

    def _told(self) -> bytes:
        """The last words of all."""
        end = self._words.seek(0, os.SEEK_END)
        return os.pread(self._words.fileno(), TOLD, max(0, end - TOLD))

    def _note(self, told: bytes) -> None:
        """What a child that ended well said all the same; once a report, not of each page."""
        if not self._is_noted:
            self._is_noted = True
            log.warning("typesetter_told", words=told.decode(errors="replace"))


def _judge(code: int, told: bytes) -> None:
    words = told.decode(errors="replace")
    if b"memory allocation of" in told or b"MemoryError" in told:
        raise MemoryError(words)
    if code < 0 or code == os.EX_TEMPFAIL:
        raise ChildProcessError(f"the typesetter ended with {code}: {words}")
    if code > 0:
        raise TypesettingFailed(words)


def _pdfs(output: IO[bytes]) -> Iterator[bytes]:
    while size := output.read(8):
        yield output.read(int.from_bytes(size))

"""Runs the typesetters: child processes side by side, whose PDFs come back in order."""

import json
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import structlog
from django.conf import settings

from school.processes import bare_environment
from tasks.tables import Table

log = structlog.get_logger(__name__)

CHILD = Path(__file__).with_name("child.py")
LOOK_SECONDS = 0.2
"""How long it may take to hear that the report is to end."""
TOLD = 2000
"""Bytes of a child's last words that an error repeats."""


class TypesettingFailed(RuntimeError):
    """The typesetter refused a document: a fault of our template."""


@dataclass(frozen=True)
class _Child:
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    """A file without a name: whatever kills us, nothing of it stays."""
    documents: int


class Press:
    """Sets documents in type, `PDF_PROCESSES` jobs at once; leaving it ends its children.

    While it waits it asks the table whether the report is to end; what waits for it lies
    beside the file that is written.
    """

    def __init__(self, table: Table, file: IO[bytes]) -> None:
        self._check = table.check
        issued = table.about.issued_at
        self._moment = int(issued.timestamp()) if issued else 0
        name = getattr(file, "name", None)
        self.folder = Path(name).parent if isinstance(name, str) else None
        """On the disk that has room for reports; else the system's own."""
        self._running: deque[_Child] = deque()
        self._is_noted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._running:
            child.process.kill()
            child.process.communicate()
            child.output.close()
        self._running.clear()

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

    def _start(self, job: Sequence[dict[str, Any]]) -> _Child:
        output = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115  (the child's)
        with tempfile.TemporaryFile(dir=self.folder) as documents:
            for document in job:
                line = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
                documents.write(line.encode() + b"\n")
            documents.seek(0)
            process = subprocess.Popen(  # noqa: S603  (our own command)
                # Without the folder of the script among those that are imported from.
                [
                    *(sys.executable, "-P", str(CHILD)),
                    *(str(os.getpid()), str(self._moment)),
                ],
                stdin=documents,
                stdout=output,
                stderr=subprocess.PIPE,
                # It would start a thread for each processor, which others need.
                env={**bare_environment(), "RAYON_NUM_THREADS": "1"},
            )
        return _Child(process, output, len(job))

    def _collect(self) -> list[bytes]:
        """Wait for the oldest child; it stays among the running until it has ended."""
        child = self._running[0]
        told = None
        while told is None:
            self._check()
            with suppress(subprocess.TimeoutExpired):
                told = child.process.communicate(timeout=LOOK_SECONDS)[1]
        self._running.popleft()
        with child.output:
            _judge(child.process.returncode, told)
            if told:
                self._note(told)
            child.output.seek(0)
            pdfs = list(_pdfs(child.output))
        if len(pdfs) != child.documents:
            raise TypesettingFailed(f"{len(pdfs)} PDFs of {child.documents} documents")
        return pdfs

    def _note(self, told: bytes) -> None:
        """What a child that ended well said all the same; once a report, not of each page."""
        if not self._is_noted:
            self._is_noted = True
            log.warning("typesetter_told", words=told[-TOLD:].decode(errors="replace"))


def _judge(code: int, told: bytes) -> None:
    words = told[-TOLD:].decode(errors="replace")
    if b"memory allocation of" in told or b"MemoryError" in told:
        raise MemoryError(words)
    if code < 0:
        raise ChildProcessError(f"the typesetter was ended by signal {-code}: {words}")
    if code > 0:
        raise TypesettingFailed(words)


def _pdfs(output: IO[bytes]) -> Iterator[bytes]:
    while size := output.read(8):
        yield output.read(int.from_bytes(size))

"""How pages are counted: on each paper by itself, or over the whole file."""

import json
import tempfile
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import IO, Any

from tasks.rendering.pdf.objects import found
from tasks.rendering.pdf.typesetter import Press


def numbered(documents: Iterable[dict[str, Any]], press: Press) -> Iterator[bytes]:
    """The documents' PDFs, in which each page says which it is of all.

    How many there are is known once the last is set. Where one document is all there is,
    as nearly always, it knows that itself; else the documents wait on the disk.
    """
    with tempfile.TemporaryFile(dir=press.folder) as waiting:
        pdf, counts = b"", []
        for [pdf] in press.printed(_noted(documents, waiting)):
            counts.append(page_count(pdf))
        if len(counts) == 1:
            yield pdf
            return
        waiting.seek(0)
        befores = accumulate(counts, initial=0)
        again = (
            [{**json.loads(line), "pages_before": before, "pages": sum(counts)}]
            for line, before in zip(waiting, befores)  # noqa: B905  (one more of these)
        )
        yield from (pdf for [pdf] in press.printed(again))


def printed(documents: Iterable[dict[str, Any]], press: Press) -> Iterator[bytes]:
    """The documents' PDFs, where each paper of a document counts its own pages."""
    for [pdf] in press.printed([document] for document in documents):
        yield pdf


def page_count(pdf: bytes) -> int:
    return int(found(rb"/Type/Pages/Count (\d+)", pdf))


def _noted(
    documents: Iterable[dict[str, Any]], waiting: IO[bytes]
) -> Iterator[list[dict[str, Any]]]:
    for document in documents:
        waiting.write(json.dumps(document, separators=(",", ":")).encode() + b"\n")
        yield [document]

"""How pages are counted: on each paper by itself, or over the whole file."""

import json
import tempfile
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import IO, Any

from tasks.rendering.pdf.objects import search_required
from tasks.rendering.pdf.typesetter import TypesetterPool


def render_numbered_by_file(
    documents: Iterable[dict[str, Any]], typesetters: TypesetterPool
) -> Iterator[bytes]:
    """The documents' PDFs, in which each page says which it is of all.

    How many there are is known once the last is set. Where one document is all there is,
    as nearly always, it knows that itself; else the documents wait on the disk.
    """
    with tempfile.TemporaryFile(dir=typesetters.temp_folder) as spool:
        pdf, page_counts = b"", []
        for [pdf] in typesetters.render(_spool_documents(documents, spool)):
            page_counts.append(count_pages(pdf))
        if len(page_counts) == 1:
            yield pdf
            return
        spool.seek(0)
        offsets = accumulate(page_counts, initial=0)
        numbered_jobs = (
            [{**json.loads(line), "pages_before": offset, "pages": sum(page_counts)}]
            for line, offset in zip(spool, offsets)  # noqa: B905  (one more of these)
        )
        yield from (pdf for [pdf] in typesetters.render(numbered_jobs))


def render_numbered_by_section(
    documents: Iterable[dict[str, Any]], typesetters: TypesetterPool
) -> Iterator[bytes]:
    """The documents' PDFs, where each paper of a document counts its own pages."""
    for [pdf] in typesetters.render([document] for document in documents):
        yield pdf


def count_pages(pdf: bytes) -> int:
    return int(search_required(rb"/Type/Pages/Count (\d+)", pdf))


def _spool_documents(
    documents: Iterable[dict[str, Any]], spool: IO[bytes]
) -> Iterator[list[dict[str, Any]]]:
    for document in documents:
        spool.write(json.dumps(document, separators=(",", ":")).encode() + b"\n")
        yield [document]

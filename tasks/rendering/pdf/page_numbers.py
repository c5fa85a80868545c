"""Page numbering: by section or over the whole file."""

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
    """Yield the documents' PDFs with page numbers that count the whole file.

    The number of pages is known once the last document is typeset. A single document, the
    usual case, counts its own pages; several are spooled to disk and typeset twice.
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
            for line, offset in zip(spool, offsets)  # noqa: B905  (offsets has one more element)
        )
        yield from (pdf for [pdf] in typesetters.render(numbered_jobs))


def render_numbered_by_section(
    documents: Iterable[dict[str, Any]], typesetters: TypesetterPool
) -> Iterator[bytes]:
    """Yield the documents' PDFs; each section counts its own pages."""
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

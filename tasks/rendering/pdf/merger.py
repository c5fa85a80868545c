"""Streaming merger of tagged PDFs with constant memory.

PDF libraries hold the objects of all inputs until they save. This merger renumbers the objects
of each input and writes them at once, packed into object streams (ISO 32000-1, 7.5.7). It keeps
only the offset of each object, in a temporary file.
"""

import re
import struct
import tempfile
import zlib
from collections.abc import Sequence
from typing import IO, Self

from tasks.rendering.pdf.objects import (
    STREAM_START,
    PdfDocument,
    Renumbering,
    search_required,
)

OBJECTS_PER_STREAM = 200
"""Objects in one object stream: a reader decompresses all of them to read one."""
CATALOGUE, PAGES, STRUCT_TREE, DOCUMENT, PARENT_TREE, INFO, METADATA, FIRST_OBJECT = (
    range(1, 9)
)
"""Numbers of the merged file's own objects; objects of the inputs start at `FIRST_OBJECT`."""
_XREF_ENTRY = struct.Struct(">BQH")
"""Cross-reference entry: type, then offset and generation, or object stream and index."""
_FREE, _AT_OFFSET, _IN_OBJECT_STREAM = range(3)
_ROLE_MAP = b"/RoleMap<</Datetime/Span/Terms/Part/Title/P/Strong/Span/Em/Span>>"
_NESTED_PAGES = b"/Type/Pages/Parent %d 0 R" % PAGES
_CHUNK_SIZE = 1024 * 1024


class PdfMerger:
    """Merger of PDFs into an open file, which is complete after `finish`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._offset = file.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        self._xref = tempfile.TemporaryFile()  # noqa: SIM115  (closed in __exit__)
        self._xref.write(bytes(_XREF_ENTRY.size * FIRST_OBJECT))
        self._next_number = FIRST_OBJECT
        self._first_document: PdfDocument | None = None
        self._page_trees: list[int] = []
        self._root_tags: list[int] = []
        self._parent_tree_nodes: list[int] = []
        self._key_count = 0
        self._image_numbers: dict[bytes, int] = {}
        """Numbers of the images already written, by digest."""
        self._page_count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._xref.close()

    def add(self, pdf: bytes) -> None:
        document = PdfDocument.parse(pdf)
        self._first_document = self._first_document or document
        base = self._next_number - 1
        struct_tree, pages = (
            document.catalogue_entry(b"StructTreeRoot"),
            document.catalogue_entry(b"Pages"),
        )
        images = self._number_images(document, base)
        numbers = {number: base + number for number in document.objects} | images
        # The input's root tag becomes a child of the merged file's document tag.
        renumber = Renumbering({**numbers, struct_tree: DOCUMENT}, self._key_count)
        skipped = document.file_objects | {
            n for n, new in images.items() if new <= base
        }
        objects = {n: obj for n, obj in document.objects.items() if n not in skipped}
        objects[struct_tree] = self._parent_tree_node(objects[struct_tree])
        self._root_tags.append(base + document.root_tag)
        self._page_trees.append(base + pages)
        self._parent_tree_nodes.append(base + struct_tree)
        self._page_count += int(search_required(rb"/Count (\d+)", objects[pages]))
        split_objects = [
            content.partition(STREAM_START) for content in objects.values()
        ]
        heads = dict(
            zip(
                objects, renumber([head for head, *_rest in split_objects]), strict=True
            )
        )
        heads[pages] = heads[pages].replace(b"/Type/Pages", _NESTED_PAGES, 1)
        heads[document.root_tag] = heads[document.root_tag].replace(
            b"/S/Document", b"/S/Part", 1
        )
        entries = [(_FREE, 0, 0)] * len(document.objects)
        small_objects = []
        for (number, head), (_head, separator, stream) in zip(
            heads.items(), split_objects, strict=True
        ):
            if separator:
                entries[number - 1] = self._write_object(
                    base + number, head + separator + stream
                )
            else:
                small_objects.append((number, head))
        self._append_entries(self._write_object_streams(small_objects, entries, base))

    def finish(self) -> None:
        """Write the merged file's own objects; raise ValueError if no PDF was added."""
        if self._first_document is None:
            raise ValueError("no PDF was added")
        metadata = self._first_document.objects[
            self._first_document.catalogue_entry(b"Metadata")
        ]
        # The metadata has the page count of the first PDF only.
        metadata = re.sub(rb"<xmpTPg:NPages>\d+</xmpTPg:NPages>", b"", metadata)
        metadata = re.sub(
            rb"/Length \d+", b"/Length %d" % _stream_length(metadata), metadata, count=1
        )
        own_objects = {
            CATALOGUE: self._build_catalogue(
                self._first_document.objects[self._first_document.root]
            ),
            PAGES: b"<</Type/Pages/Count %d/Kids[%s]>>"
            % (self._page_count, _join_references(self._page_trees)),
            STRUCT_TREE: b"<</Type/StructTreeRoot%s/K[%d 0 R]/ParentTree %d 0 R/ParentTreeNextKey %d>>"
            % (_ROLE_MAP, DOCUMENT, PARENT_TREE, self._key_count),
            DOCUMENT: b"<</Type/StructElem/S/Document/P %d 0 R/K[%s]>>"
            % (STRUCT_TREE, _join_references(self._root_tags)),
            PARENT_TREE: b"<</Kids[%s]>>" % _join_references(self._parent_tree_nodes),
            INFO: self._first_document.objects[self._first_document.info],
            METADATA: metadata,
        }
        entries = [
            self._write_object(number, content)
            for number, content in own_objects.items()
        ]
        self._xref.seek(_XREF_ENTRY.size)
        self._xref.write(b"".join(_XREF_ENTRY.pack(*entry) for entry in entries))
        self._write_xref(self._first_document.id)

    def _number_images(self, document: PdfDocument, base: int) -> dict[int, int]:
        """Map the document's images to numbers; equal images (the crest) share a number."""
        return {
            number: self._image_numbers.setdefault(digest, base + number)
            for number, digest in document.image_digests.items()
        }

    def _parent_tree_node(self, struct_tree: bytes) -> bytes:
        """Build the node of the merged parent tree for the document's pages."""
        pairs = re.findall(
            rb"(\d+) (\d+ 0 R)", search_required(rb"/Nums\[([^\]]*)\]", struct_tree)
        )
        first_key = self._key_count
        self._key_count += len(pairs)
        nums = b" ".join(b"%d %s" % (first_key + int(key), tags) for key, tags in pairs)
        return b"<</Limits[%d %d]/Nums[%s]>>" % (first_key, self._key_count - 1, nums)

    @staticmethod
    def _build_catalogue(catalogue: bytes) -> bytes:
        for key, number in (
            (b"Pages", PAGES), (b"Metadata", METADATA), (b"StructTreeRoot", STRUCT_TREE),
        ):  # fmt: skip
            catalogue = re.sub(
                rb"/%s \d+ 0 R" % key, b"/%s %d 0 R" % (key, number), catalogue
            )
        return re.sub(rb"/Outlines \d+ 0 R", b"", catalogue)

    def _write_object_streams(
        self,
        objects: Sequence[tuple[int, bytes]],
        entries: list[tuple[int, int, int]],
        base: int,
    ) -> list[tuple[int, int, int]]:
        """Write the objects into object streams, which are numbered after all objects."""
        for start in range(0, len(objects), OBJECTS_PER_STREAM):
            batch = objects[start : start + OBJECTS_PER_STREAM]
            stream = base + len(entries) + 1
            heads, offset = [], 0
            for index, (number, content) in enumerate(batch):
                heads.append(b"%d %d" % (base + number, offset))
                offset += len(content) + 1
                entries[number - 1] = (_IN_OBJECT_STREAM, stream, index)
            head = b" ".join(heads) + b"\n"
            body = zlib.compress(head + b"\n".join(content for _n, content in batch))
            entries.append(
                self._write_object(
                    stream, _OBJECT_STREAM % (len(batch), len(head), len(body), body)
                )
            )
        return entries

    def _write_object(self, number: int, content: bytes) -> tuple[int, int, int]:
        entry = (_AT_OFFSET, self._offset, 0)
        self._offset += self._file.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
        return entry

    def _append_entries(self, entries: Sequence[tuple[int, int, int]]) -> None:
        self._xref.write(b"".join(_XREF_ENTRY.pack(*entry) for entry in entries))
        self._next_number += len(entries)

    def _write_xref(self, id: bytes) -> None:
        """Write the cross-reference stream and the end of the file (ISO 32000-1, 7.5.8)."""
        self._xref.seek(0, 2)
        self._append_entries([(_AT_OFFSET, self._offset, 0)])
        with tempfile.TemporaryFile() as compressed:
            compressor = zlib.compressobj()
            self._xref.seek(0)
            while chunk := self._xref.read(_CHUNK_SIZE):
                compressed.write(compressor.compress(chunk))
            compressed.write(compressor.flush())
            length = compressed.tell()
            compressed.seek(0)
            self._file.write(
                b"%d 0 obj\n<</Type/XRef/Size %d/W[1 8 2]/Root %d 0 R/Info %d 0 R/ID%s"
                b"/Filter/FlateDecode/Length %d>>\nstream\n"
                % (
                    self._next_number - 1,
                    self._next_number,
                    CATALOGUE,
                    INFO,
                    id,
                    length,
                )
            )
            while chunk := compressed.read(_CHUNK_SIZE):
                self._file.write(chunk)
        self._file.write(
            b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % self._offset
        )


_OBJECT_STREAM = (
    b"<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>"
    b"\nstream\n%s\nendstream"
)


def _join_references(numbers: Sequence[int]) -> bytes:
    return b" ".join(b"%d 0 R" % number for number in numbers)


def _stream_length(content: bytes) -> int:
    body = content.partition(STREAM_START)[2]
    return len(body.removesuffix(b"endstream").removesuffix(b"\n"))

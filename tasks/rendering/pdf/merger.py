"""Binds PDFs into one as they come, with their tags; nothing of them stays in memory.

A library that joins PDFs holds all their objects until it saves. Here the objects of each get
new numbers and are written, packed into object streams (ISO 32000-1, 7.5.7); what is kept is
the place of each object in the file, and that on the disk.
"""

import re
import struct
import tempfile
import zlib
from collections.abc import Sequence
from typing import IO, Self

from tasks.rendering.pdf.objects import STREAM, Renumbering, Source, found

PACKED = 200
"""Objects in one object stream: a reader unpacks all of them to look at one."""
CATALOGUE, PAGES, TREE, DOCUMENT, PARENTS, INFO, METADATA, OWN = range(1, 9)
"""The numbers of the file's own objects; those of the PDFs begin with the last."""
_PLACE = struct.Struct(">BQH")
"""An object's place: in the file, or in an object stream of the file."""
_FREE, _IN_FILE, _PACKED_IN = range(3)
_ROLES = b"/RoleMap<</Datetime/Span/Terms/Part/Title/P/Strong/Span/Em/Span>>"
_BELOW_PAGES = b"/Type/Pages/Parent %d 0 R" % PAGES
_BLOCK = 1024 * 1024


class Binder:
    """Writes each PDF that is added into the file, which is whole once it is finished."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._end = file.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        self._places = tempfile.TemporaryFile()  # noqa: SIM115  (until the end)
        self._places.write(bytes(_PLACE.size * OWN))
        self._size = OWN
        self._first: Source | None = None
        self._page_nodes: list[int] = []
        self._tops: list[int] = []
        self._key_nodes: list[int] = []
        self._keys = 0
        self._pictures: dict[bytes, int] = {}
        """The numbers of those that are there, by what they are."""
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._places.close()

    def add(self, pdf: bytes) -> None:
        source = Source.read(pdf)
        self._first = self._first or source
        base = self._size - 1
        tree, pages = source.named(b"StructTreeRoot"), source.named(b"Pages")
        pictures = self._pictures_of(source, base)
        numbers = {number: base + number for number in source.objects} | pictures
        # What its tree of tags holds stands below the file's own one.
        renumber = Renumbering({**numbers, tree: DOCUMENT}, self._keys)
        left_out = source.frame | {n for n, new in pictures.items() if new <= base}
        objects = {n: o for n, o in source.objects.items() if n not in left_out}
        objects[tree] = self._keys_of(objects[tree])
        self._tops.append(base + source.top)
        self._page_nodes.append(base + pages)
        self._key_nodes.append(base + tree)
        self._count += int(found(rb"/Count (\d+)", objects[pages]))
        split = [content.partition(STREAM) for content in objects.values()]
        heads = dict(
            zip(objects, renumber([head for head, *_rest in split]), strict=True)
        )
        heads[pages] = heads[pages].replace(b"/Type/Pages", _BELOW_PAGES, 1)
        heads[source.top] = heads[source.top].replace(b"/S/Document", b"/S/Part", 1)
        places = [(_FREE, 0, 0)] * len(source.objects)
        packed = []
        for (number, head), (_head, mark, stream) in zip(
            heads.items(), split, strict=True
        ):
            if mark:
                places[number - 1] = self._write(base + number, head + mark + stream)
            else:
                packed.append((number, head))
        self._note(self._pack(packed, places, base))

    def finish(self) -> None:
        """Write what holds the PDFs together; at least one must have been added."""
        if self._first is None:
            raise ValueError("a file of no PDF")
        metadata = self._first.objects[self._first.named(b"Metadata")]
        # It told of its own pages alone.
        metadata = re.sub(rb"<xmpTPg:NPages>\d+</xmpTPg:NPages>", b"", metadata)
        metadata = re.sub(
            rb"/Length \d+", b"/Length %d" % _stream_length(metadata), metadata, count=1
        )
        own = {
            CATALOGUE: self._catalogue(self._first.objects[self._first.root]),
            PAGES: b"<</Type/Pages/Count %d/Kids[%s]>>"
            % (self._count, _references(self._page_nodes)),
            TREE: b"<</Type/StructTreeRoot%s/K[%d 0 R]/ParentTree %d 0 R/ParentTreeNextKey %d>>"
            % (_ROLES, DOCUMENT, PARENTS, self._keys),
            DOCUMENT: b"<</Type/StructElem/S/Document/P %d 0 R/K[%s]>>"
            % (TREE, _references(self._tops)),
            PARENTS: b"<</Kids[%s]>>" % _references(self._key_nodes),
            INFO: self._first.objects[self._first.info],
            METADATA: metadata,
        }
        places = [self._write(number, content) for number, content in own.items()]
        self._places.seek(_PLACE.size)
        self._places.write(b"".join(_PLACE.pack(*place) for place in places))
        self._write_places(self._first.id)

    def _pictures_of(self, source: Source, base: int) -> dict[int, int]:
        """Their numbers in the file, once for all PDFs: a crest comes with each."""
        return {
            number: self._pictures.setdefault(digest, base + number)
            for number, digest in source.pictures.items()
        }

    def _keys_of(self, tree: bytes) -> bytes:
        """Its pages' keys with their tags, as a node of the file's number tree."""
        pairs = re.findall(rb"(\d+) (\d+ 0 R)", found(rb"/Nums\[([^\]]*)\]", tree))
        first = self._keys
        self._keys += len(pairs)
        nums = b" ".join(b"%d %s" % (first + int(key), tags) for key, tags in pairs)
        return b"<</Limits[%d %d]/Nums[%s]>>" % (first, self._keys - 1, nums)

    @staticmethod
    def _catalogue(first: bytes) -> bytes:
        for key, number in (
            (b"Pages", PAGES), (b"Metadata", METADATA), (b"StructTreeRoot", TREE),
        ):  # fmt: skip
            first = re.sub(rb"/%s \d+ 0 R" % key, b"/%s %d 0 R" % (key, number), first)
        return re.sub(rb"/Outlines \d+ 0 R", b"", first)

    def _pack(
        self,
        objects: Sequence[tuple[int, bytes]],
        places: list[tuple[int, int, int]],
        base: int,
    ) -> list[tuple[int, int, int]]:
        """Write them into object streams, which are numbered after all of theirs."""
        for start in range(0, len(objects), PACKED):
            pack = objects[start : start + PACKED]
            stream = base + len(places) + 1
            heads, offset = [], 0
            for index, (number, content) in enumerate(pack):
                heads.append(b"%d %d" % (base + number, offset))
                offset += len(content) + 1
                places[number - 1] = (_PACKED_IN, stream, index)
            head = b" ".join(heads) + b"\n"
            body = zlib.compress(head + b"\n".join(content for _n, content in pack))
            places.append(
                self._write(stream, _PACK % (len(pack), len(head), len(body), body))
            )
        return places

    def _write(self, number: int, content: bytes) -> tuple[int, int, int]:
        place = (_IN_FILE, self._end, 0)
        self._end += self._file.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
        return place

    def _note(self, places: Sequence[tuple[int, int, int]]) -> None:
        self._places.write(b"".join(_PLACE.pack(*place) for place in places))
        self._size += len(places)

    def _write_places(self, id: bytes) -> None:
        """The table of where each object is, which ends the file (7.5.8)."""
        self._places.seek(0, 2)
        self._note([(_IN_FILE, self._end, 0)])
        with tempfile.TemporaryFile() as packed:
            packer = zlib.compressobj()
            self._places.seek(0)
            while block := self._places.read(_BLOCK):
                packed.write(packer.compress(block))
            packed.write(packer.flush())
            length = packed.tell()
            packed.seek(0)
            self._file.write(
                b"%d 0 obj\n<</Type/XRef/Size %d/W[1 8 2]/Root %d 0 R/Info %d 0 R/ID%s"
                b"/Filter/FlateDecode/Length %d>>\nstream\n"
                % (self._size - 1, self._size, CATALOGUE, INFO, id, length)
            )
            while block := packed.read(_BLOCK):
                self._file.write(block)
        self._file.write(b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % self._end)


_PACK = (
    b"<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>"
    b"\nstream\n%s\nendstream"
)


def _references(numbers: Sequence[int]) -> bytes:
    return b" ".join(b"%d 0 R" % number for number in numbers)


def _stream_length(content: bytes) -> int:
    body = content.partition(STREAM)[2]
    return len(body.removesuffix(b"endstream").removesuffix(b"\n"))

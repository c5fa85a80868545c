"""Parser of the typesetter's PDFs, and renumbering of their objects.

The regular expressions read only what typst writes, not PDF in general.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Self

# Literal strings in parentheses, with nested pairs; non-ASCII strings are hexadecimal.
_TEXT = rb"\((?:[^()\\]|\\.)*\)"
for _depth in range(6):
    _TEXT = rb"\((?:[^()\\]|\\.|" + _TEXT + rb")*\)"
_REFERENCE = re.compile(rb"(\d+) 0 R")
_REFERENCE_OR_TEXT = re.compile(_TEXT + rb"|(\d+) 0 R", re.DOTALL)
_STRUCT_PARENTS = re.compile(rb"/StructParents (\d+)")
# Attributes of table cells that are removed: the ids of their headers, which would collide
# between PDFs (readers find the headers by scope instead), and the background colour.
# Several patterns, because a pattern that starts with literal text is faster.
_CELL_COLOUR = rb"<</O/Layout/BackgroundColor\[[^\]]*\]>>"
_CELL_ATTRIBUTES = [
    re.compile(rb"/A\[<</O/Table/Headers\[[^\]]*\]>>(?:" + _CELL_COLOUR + rb")?\]"),
    re.compile(rb"/Headers\[[^\]]*\]"),
    re.compile(rb"/ID\(U\d+x\d+y\d+\)"),
    re.compile(_CELL_COLOUR),
]
STREAM_START = b"\nstream\n"
"""Separator between an object's dictionary and its stream."""
_HEAD_BYTES = 100
"""Bytes at the start of an object that include its type."""
_SEPARATOR = b"\0"
"""Byte that occurs in no object head: strings with it are hexadecimal."""


@dataclass(frozen=True)
class PdfDocument:
    """A parsed PDF: objects by number (streams with their dictionary) and trailer entries."""

    objects: Mapping[int, bytes]
    root: int
    info: int
    id: bytes

    @classmethod
    def parse(cls, pdf: bytes) -> Self:
        """Parse a PDF; raise ValueError if it is not written as the typesetter writes."""
        start = int(pdf[pdf.rindex(b"startxref") :].split()[1])
        table, _word, trailer = pdf[start:].partition(b"trailer")
        # Skip two header lines and the entry of number 0, which is not an object.
        offsets = [int(line[:10]) for line in table.splitlines()[3:]]
        objects = {
            number: pdf[begin:end].partition(b" obj\n")[2].rpartition(b"\nendobj")[0]
            for number, (begin, end) in enumerate(pairwise([*offsets, start]), 1)
        }
        root, info = (
            search_required(rb"/Root (\d+)", trailer),
            search_required(rb"/Info (\d+)", trailer),
        )
        return cls(
            objects, int(root), int(info), search_required(rb"/ID(\[.*?\])>>", trailer)
        )

    @property
    def file_objects(self) -> set[int]:
        """Objects that describe the file as a whole and not its pages."""
        keys = [b"Metadata"]
        if b"/Outlines" in self.objects[self.root]:
            keys.append(b"Outlines")
        return {self.root, self.info, *map(self.catalogue_entry, keys)}

    @property
    def root_tag(self) -> int:
        """Number of the root element of the tag tree."""
        tree = self.objects[self.catalogue_entry(b"StructTreeRoot")]
        return int(search_required(rb"/K\[(\d+) 0 R\]", tree))

    @property
    def image_digests(self) -> dict[int, bytes]:
        """Digest of each image and its referenced objects; equal images have equal digests."""
        return {
            number: self._digest(number)
            for number, content in self.objects.items()
            if b"/Subtype/Image" in content[:_HEAD_BYTES]
        }

    def _digest(self, number: int) -> bytes:
        head, separator, stream = self.objects[number].partition(STREAM_START)
        expanded_head = _REFERENCE.sub(lambda match: self._digest(int(match[1])), head)
        return sha256(expanded_head + separator + stream).digest()

    def catalogue_entry(self, key: bytes) -> int:
        """Return the number of the object that the catalogue references under the key."""
        return int(search_required(rb"/%s (\d+) 0 R" % key, self.objects[self.root]))


class Renumbering:
    """Renumbering of objects for another file."""

    def __init__(self, numbers: Mapping[int, int], key_offset: int) -> None:
        self._references = {
            b"%d" % old: b"%d 0 R" % new for old, new in numbers.items()
        }
        self._key_offset = key_offset
        """Number of parent tree keys that the other file already uses."""

    def __call__(self, heads: Sequence[bytes]) -> list[bytes]:
        """Return the objects (or dictionaries of streams) with their new numbers.

        All are processed at once because a page has hundreds of mostly short objects.
        """
        text = _SEPARATOR.join(heads)
        for pattern in _CELL_ATTRIBUTES:
            text = pattern.sub(b"", text)
        text = _STRUCT_PARENTS.sub(self._page_key, text)
        renumbered = text.split(_SEPARATOR)
        without_text = [
            index for index, head in enumerate(renumbered) if b"(" not in head
        ]
        renumbered_heads = _REFERENCE.sub(
            self._reference,
            _SEPARATOR.join(renumbered[index] for index in without_text),
        )
        renumbered = [
            _REFERENCE_OR_TEXT.sub(self._reference_outside_text, head)
            if b"(" in head
            else head
            for head in renumbered
        ]
        for index, head in zip(
            without_text, renumbered_heads.split(_SEPARATOR), strict=True
        ):
            renumbered[index] = head
        return renumbered

    def _page_key(self, match: re.Match[bytes]) -> bytes:
        return b"/StructParents %d" % (int(match[1]) + self._key_offset)

    def _reference(self, match: re.Match[bytes]) -> bytes:
        return self._references[match[1]]

    def _reference_outside_text(self, match: re.Match[bytes]) -> bytes:
        return match[0] if match[1] is None else self._references[match[1]]


def search_required(pattern: bytes, text: bytes) -> bytes:
    match = re.search(pattern, text)
    if match is None:
        raise ValueError(f"the typesetter wrote no {pattern!r}")
    return match[1]

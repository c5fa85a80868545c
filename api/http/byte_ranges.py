"""Parser of `Range` headers (RFC 9110, section 14) and a file object for one range."""

import re
import time
from dataclasses import dataclass
from typing import IO

_SINGLE_RANGE = re.compile(
    r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE
)

YIELD_SECONDS = 0.0001
"""Seconds that each read sleeps, so that other greenlets can run."""


class RangeNotSatisfiable(Exception):
    """None of the requested bytes exists."""


@dataclass(frozen=True)
class ByteRange:
    """Range of bytes in a file of `size` bytes."""

    start: int
    length: int
    size: int

    @property
    def content_range(self) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{self.size}"


def parse_range(header: str, size: int) -> ByteRange | None:
    """Return the requested range; None means the whole file.

    Several ranges, other units and invalid headers return None: RFC 9110 lets a server
    ignore any `Range` header. Raise `RangeNotSatisfiable` if the range starts past the end.
    """
    match = _SINGLE_RANGE.fullmatch(header)
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        return _suffix_range(int(last), size)
    start, end = int(first), int(last) if last else size - 1
    if last and end < start:
        return None
    if start >= size:
        raise RangeNotSatisfiable
    return ByteRange(start, min(end, size - 1) - start + 1, size)


def _suffix_range(length: int, size: int) -> ByteRange | None:
    if length == 0:
        raise RangeNotSatisfiable
    length = min(length, size)
    return ByteRange(size - length, length, size) if size else None


class FileSlice:
    """File object that reads one range of an open file; closing it closes the file."""

    def __init__(self, file: IO[bytes], byte_range: ByteRange) -> None:
        self._file = file
        self._offset = byte_range.start
        self._end = byte_range.start + byte_range.length

    def read(self, size: int) -> bytes:
        # Writing to a fast client never blocks its greenlet, so others need a turn here.
        # With `sleep(0)` gevent checks sockets only every 5 ms, and polls took 0.1 s.
        time.sleep(YIELD_SECONDS)
        self._file.seek(self._offset)
        chunk = self._file.read(min(size, self._end - self._offset))
        self._offset += len(chunk)
        return chunk

    def close(self) -> None:
        self._file.close()

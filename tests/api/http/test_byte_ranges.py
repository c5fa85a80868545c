import io

import pytest

from api.http import byte_ranges
from api.http.byte_ranges import ByteRange, FileSlice


@pytest.mark.parametrize(
    ("header", "start", "length"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=0-0", 0, 1),
        ("bytes=90-", 90, 10),
        ("bytes=90-1000", 90, 10),
        ("bytes=99-99", 99, 1),
        ("bytes=-10", 90, 10),
        ("bytes=-1000", 0, 100),
        ("bytes=0-", 0, 100),
        ("Bytes= 5-6 ", 5, 2),
    ],
)
def test_range_selects_its_bytes(header, start, length):
    assert byte_ranges.parse_range(header, 100) == ByteRange(start, length, 100)


@pytest.mark.parametrize(
    "header",
    [
        "", "bytes", "bytes=", "bytes=-", "bytes=6-5", "bytes=a-b", "bytes=1", "0-5",
        "bytes=0-1,5-6", "bytes=0-1, 5-6", "lines=0-5", "bytes=--5", "bytes=0x1-5",
        "bytes=+1-5", "bytes=1-5;q=1", "bytes=٠-٥", f"bytes={'9' * 5000}-",
    ],
)  # fmt: skip
def test_invalid_range_is_ignored(header):
    assert byte_ranges.parse_range(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_range_past_the_end_is_not_satisfiable(header):
    with pytest.raises(byte_ranges.RangeNotSatisfiable):
        byte_ranges.parse_range(header, 100)


def test_range_of_empty_file_depends_on_its_kind():
    assert byte_ranges.parse_range("bytes=-5", 0) is None
    with pytest.raises(byte_ranges.RangeNotSatisfiable):
        byte_ranges.parse_range("bytes=0-", 0)


def test_content_range_has_zero_based_offsets():
    assert ByteRange(90, 10, 100).content_range == "bytes 90-99/100"


@pytest.mark.parametrize("size", [1, 3, 100])
def test_file_slice_in_any_piece_size_reads_its_bytes(size):
    part = FileSlice(io.BytesIO(b"0123456789"), ByteRange(2, 5, 10))

    assert b"".join(iter(lambda: part.read(size), b"")) == b"23456"

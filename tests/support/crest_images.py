"""PNG and SVG images for tests of crests."""

import base64
import random
import struct
import zlib

RECT = '<rect width="3" height="3"/>'
GRADIENT = (
    '<style>.a{fill:url(#g)}</style><linearGradient id="g"><stop stop-color="red"/>'
    '</linearGradient><rect class="a" width="9" height="9"/>'
)


def make_png(width=100, height=100, colour=b"\x1f\x3a\x5f\xff") -> bytes:
    return encode_png(width, height, (b"\0" + colour * width) * height)


def make_noise() -> bytes:
    """Return a PNG below the limit whose smaller copy, with more colours, is above it."""
    colours = [b"\0\0\0\xff", b"\xff\xff\xff\xff", b"\xff\0\0\xff", b"\0\xc8\t\xff"]
    choice = random.Random(1).choice
    rows = (b"\0" + b"".join(choice(colours) for _ in range(1400)) for _ in range(350))
    return encode_png(1400, 350, b"".join(rows))


def encode_png(width: int, height: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )  # fmt: skip


def make_svg(inside=RECT, size='viewBox="0 0 9 9"', before=""):
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:l="http://www.w3.org/1999/xlink"'
    return f"{before}<svg {space} {size}>{inside}</svg>".encode()


def embed(content: bytes, media_type: str) -> bytes:
    """Return an SVG that draws the content from a data URL."""
    data = base64.b64encode(content).decode()
    return make_svg(
        f'<image width="9" height="9" href="data:{media_type};base64,{data}"/>'
    )

"""Conversion of crests to PNG: the size, what is refused, and what has no effect."""

import socket
from urllib.parse import quote

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from school.crests import conversion, sandbox
from school.crests.conversion import MAX_BYTES
from school.demo import crest_images
from tests.support.crest_images import (
    GRADIENT,
    RECT,
    embed,
    encode_png,
    make_noise,
    make_png,
    make_svg,
)


def png_size(image: bytes) -> tuple[int, int]:
    return int.from_bytes(image[16:20]), int.from_bytes(image[20:24])


PUBLIC = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x.dtd">'


@pytest.mark.parametrize(
    ("image", "width"),
    [
        (make_png(), 160),
        (make_png(48, 190), 40),
        (make_png(2000, 501), 639),
        (make_svg(), 160),
        (make_svg(size='width="10mm" height="40mm"'), 40),
        (make_svg(size='width="1e9" height="1e9"'), 160),
        (make_svg(size='width="100%" height="100%" viewBox="0,0,9,9"'), 160),
        (make_svg(GRADIENT), 160),
        (make_svg('<g id="a"><path d="M0 0h9"/></g><use l:href="#a"/>', before=PUBLIC), 160),
        (make_svg('<x:view xmlns:x="http://inkscape.example"/>'), 160),
        (embed(make_png(), "image/png"), 160),
        *((crest_images.draw_crest(number), 133) for number in range(12)),
    ],
)  # fmt: skip
def test_crest_becomes_a_png_of_the_printed_size(image, width):
    png = conversion.convert_crest(image)

    assert conversion.is_png(png)
    assert png_size(png) == (width, 160)
    assert png != image


def test_crest_keeps_its_transparency():
    white = '<rect width="9" height="9" fill="#fff"/>'
    has_alpha = 6  # colour type of the header

    clear = conversion.convert_crest(make_svg())

    assert clear[25] == has_alpha
    assert clear != conversion.convert_crest(make_svg(white + RECT))


def test_text_is_drawn():
    text = '<text y="5" font-size="5">Escola</text>'

    drawn = conversion.convert_crest(make_svg(text))

    assert drawn != conversion.convert_crest(make_svg(""))


NESTED_USE = '<g id="n0"><rect width="1" height="1"/></g>' + "".join(
    f'<g id="n{level}">' + f'<use l:href="#n{level - 1}"/>' * 10 + "</g>"
    for level in range(1, 11)
)
ENTITIES = "".join(
    f'<!ENTITY e{level} "' + f"&e{level - 1};" * 10 + '">' for level in range(1, 11)
)
LINKS = (
    "a.png", "../a.png", "/etc/passwd", "file:///etc/passwd", "http://x.example/a.png",
)  # fmt: skip
REFUSED_FILES = {
    "larger than": [make_png() + bytes(MAX_BYTES), make_svg() + b" " * MAX_BYTES],
    "2001 × 600 pixels": [make_png(2001, 600)],
    "40 × 40 pixels": [make_png(40, 40)],
    "too long": [make_png(48, 193), make_svg(size='viewBox="0 0 9 37"')],
    "neither a PNG nor an SVG": [
        b"", b"\xff\xd8\xff\xe0JFIF", b"GIF89a", b"%PDF-1.7", make_svg()[:-3], b"<html/>",
        make_svg("&unknown;"), make_svg(size='width="0" height="1"'),
        make_svg("&a;", before='<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        make_svg("&e10;", before=f'<!DOCTYPE svg [<!ENTITY e0 "<g/>">{ENTITIES}]>'),
        make_svg(NESTED_USE + '<use l:href="#n10"/>'),
        make_svg("<g>" * 5001 + "</g>" * 5001),
    ],
    "broken": [make_png()[:-40], make_png()[:50] + b"x" + make_png()[51:]],
    "memory allocation": [embed(encode_png(20000, 20000, b""), "image/png")],
    "needs another file": [
        *(make_svg(f'<image width="9" height="9" href="{link}"/>') for link in LINKS),
        make_svg('<filter id="f"><feImage href="/etc/passwd"/></filter>'
                 '<rect width="9" height="9" filter="url(#f)"/>'),
    ],
    "too much detail": [make_noise()],
}  # fmt: skip


@pytest.mark.guarantee("A crest runs no script and loads no address.")
@pytest.mark.parametrize(
    ("reason", "image"),
    [(reason, image) for reason, images in REFUSED_FILES.items() for image in images],
)
def test_invalid_crest_is_refused_with_its_reason(reason, image):
    with translation.override("en"), pytest.raises(ValidationError) as refused:
        conversion.convert_crest(image)

    assert reason in refused.value.messages[0]


@pytest.mark.guarantee("A crest runs no script and loads no address.")
@pytest.mark.parametrize(
    "inside",
    [
        "<script>document.documentElement.innerHTML = ''</script>",
        "<script href='http://127.0.0.1:{port}/a.js'/>",
        "<animate onbegin='x()' attributeName='x' to='5'/>",
        "<foreignObject width='9' height='9'><img src='{url}'/></foreignObject>",
        "<use href='{url}#a'/>",
        "<use href='file://{file}#a'/>",
        "<style>@import '{url}';</style>",
        "<style>@font-face {{font-family: a; src: url({url})}}</style>",
        "<rect width='9' height='9' fill='url({url})' opacity='0'/>",
        "<image width='9' height='9' href='data:image/svg+xml,{nested_url}'/>",
        "<image width='9' height='9' href='data:image/svg+xml,{nested_file}'/>",
    ],
)
def test_active_content_of_a_crest_has_no_effect(inside, tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(make_png())
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        url = f"http://127.0.0.1:{port}/a.png"
        nested_url, nested_file = (
            quote(make_svg(f'<image width="9" height="9" href="{link}"/>'))
            for link in (url, file)
        )
        active = inside.format(
            port=port, url=url, file=file, nested_url=nested_url, nested_file=nested_file
        )  # fmt: skip

        png = conversion.convert_crest(make_svg(RECT + active))

        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert png == conversion.convert_crest(make_svg(RECT))


def test_external_stylesheet_has_no_effect():
    styled = make_svg(before='<?xml-stylesheet href="http://x.example/a.css"?>')

    assert conversion.convert_crest(styled) == conversion.convert_crest(make_svg())


def test_crest_that_renders_too_slowly_is_refused(monkeypatch):
    noise = '<feTurbulence numOctaves="1000"/>' * 900
    slow = make_svg(
        f'<filter id="f">{noise}</filter>'
        + '<rect width="9" height="9" filter="url(#f)"/>' * 300
    )
    monkeypatch.setattr(sandbox, "TIMEOUT_SECONDS", 0.5)

    with translation.override("en"), pytest.raises(ValidationError, match="too long"):
        conversion.convert_crest(slow)

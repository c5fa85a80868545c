"""What a crest may be: a PNG or SVG within bounds, which the typesetter has drawn once."""

from typing import Literal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from school.crests import sandbox, svg

MAX_BYTES = 256 * 1024
MIN_PIXELS, MAX_PIXELS = 48, 2000
"""Of each side of a PNG; on paper a crest is 13 mm high."""
MAX_RENDERED_BYTES = 32 * 1024
"""Bytes that an SVG adds to each page: it is drawn anew on every one, a PNG is not."""
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def media_type(image: bytes) -> Literal["image/png", "image/svg+xml"]:
    """By how it begins; whether it is one is another question."""
    return "image/png" if image.startswith(_PNG_SIGNATURE) else "image/svg+xml"


def validate_crest(image: bytes) -> None:
    """Raise ValidationError, in words for who chose the file, if it can be no crest."""
    if len(image) > MAX_BYTES:
        raise ValidationError(
            _("It is larger than the %(most)s kB that a crest may have.")
            % {"most": MAX_BYTES // 1024}
        )
    if media_type(image) == "image/png":
        _check_pixels(image)
        sandbox.measure_rendered_size(image)
        return
    svg.validate_svg(image)
    if sandbox.measure_rendered_size(image) > MAX_RENDERED_BYTES:
        raise ValidationError(
            _("It has too much detail for every page: export it as PNG.")
        )


def _check_pixels(image: bytes) -> None:
    width, height = (
        int.from_bytes(image[start : start + 4])
        for start in (len(_PNG_SIGNATURE), len(_PNG_SIGNATURE) + 4)
    )
    if not all(MIN_PIXELS <= side <= MAX_PIXELS for side in (width, height)):
        raise ValidationError(
            _("It has %(width)s × %(height)s pixels; each must be %(least)s to %(most)s.")
            % {
                "width": width, "height": height,
                "least": MIN_PIXELS, "most": MAX_PIXELS,
            }
        )  # fmt: skip
    svg.check_aspect_ratio(width, height)

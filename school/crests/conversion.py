"""Conversion of an uploaded PNG or SVG to the PNG that is stored and printed."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from school.crests import sandbox

MAX_BYTES = 256 * 1024
"""Limit for the uploaded file and for the stored PNG."""
MIN_PIXELS, MAX_PIXELS = 48, 2000
"""Limits for each side of an uploaded PNG."""
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def is_png(image: bytes) -> bool:
    """Return True if the signature is that of a PNG; the rest of the file is not checked."""
    return image.startswith(_PNG_SIGNATURE)


def convert_crest(image: bytes) -> bytes:
    """Return the PNG to store; ValidationError, with a message for the user, if there is none."""
    if len(image) > MAX_BYTES:
        raise ValidationError(
            _("The file is larger than the limit of %(maximum)s kB.")
            % {"maximum": MAX_BYTES // 1024}
        )
    if is_png(image):
        _check_pixels(image)
        png = sandbox.rasterise(image, "png")
    else:
        png = sandbox.rasterise(image, "svg")
    if len(png) > MAX_BYTES:
        raise ValidationError(
            _("The crest has too much detail: choose a simpler image.")
        )
    return png


def _check_pixels(image: bytes) -> None:
    width, height = (
        int.from_bytes(image[start : start + 4])
        for start in (len(_PNG_SIGNATURE), len(_PNG_SIGNATURE) + 4)
    )
    if not all(MIN_PIXELS <= side <= MAX_PIXELS for side in (width, height)):
        raise ValidationError(
            _("The image has %(width)s × %(height)s pixels; each side must have %(minimum)s to %(maximum)s.")
            % {
                "width": width, "height": height,
                "minimum": MIN_PIXELS, "maximum": MAX_PIXELS,
            }
        )  # fmt: skip

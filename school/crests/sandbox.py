"""Rasterisation of a crest in a child process with limited time, memory and files."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from school.child_environment import minimal_env

CHILD_SCRIPT = Path(__file__).with_name("renderer_child.py")
TIMEOUT_SECONDS = 10
"""Wall-clock limit; nearly every crest is drawn in a tenth of a second."""
HEIGHT_PIXELS = 160
"""Height of the PNG: 313 dpi at the printed height of 13 mm."""
MAX_ASPECT_RATIO = 4
"""Longest side divided by the shortest; it bounds the width of the PNG to 640 pixels."""


def rasterise(image: bytes, image_format: Literal["png", "svg"]) -> bytes:
    """Return the image as PNG; ValidationError, with its reason, if it cannot be drawn."""
    arguments = [image_format, str(HEIGHT_PIXELS), str(MAX_ASPECT_RATIO)]
    try:
        # The child may read its working directory, so it gets an empty one.
        with tempfile.TemporaryDirectory() as empty_folder:
            result = subprocess.run(  # noqa: S603  (our own command)
                [sys.executable, "-P", str(CHILD_SCRIPT), *arguments],
                input=image,
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                env=minimal_env(),
                cwd=empty_folder,
            )
    except subprocess.TimeoutExpired as error:
        raise ValidationError(_("The crest takes too long to draw.")) from error
    if result.returncode:
        raise ValidationError(_error_message(result.stderr.decode(errors="replace")))
    return result.stdout


def _error_message(stderr: str) -> str:
    """Return the sentence for the user that explains the child's last line of errors."""
    lines = [line for line in stderr.splitlines() if not line.startswith("note:")]
    reason = lines[-1][:200] if lines else ""
    if reason.startswith("assertion failed: too long"):
        return _("The crest is too long: one side may be at most four times the other.")
    if reason.startswith("failed to parse SVG"):
        return _("The file is neither a PNG nor an SVG: %(reason)s") % {
            "reason": reason
        }
    if reason.startswith("failed to load linked image"):
        return _("The SVG needs another file: embed its images, or export it as PNG.")
    return _("The file is broken and cannot be drawn. %(reason)s") % {"reason": reason}

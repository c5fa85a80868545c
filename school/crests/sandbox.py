"""Draws a crest once, as papers will, in a process of its own that may take little."""

import subprocess
import sys
from pathlib import Path

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from school.runtime.processes import bare_environment

CHILD = Path(__file__).with_name("renderer_child.py")
SECONDS = 10
"""On the clock: nearly all is drawn in a tenth of one."""


def draw(image: bytes) -> int:
    """How many bytes it takes on paper; ValidationError if it cannot be drawn."""
    try:
        done = subprocess.run(  # noqa: S603  (our own command)
            [sys.executable, "-P", str(CHILD)],
            input=image,
            capture_output=True,
            timeout=SECONDS,
            env=bare_environment(),
        )
    except subprocess.TimeoutExpired as error:
        raise ValidationError(_("It takes too long to draw.")) from error
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ValidationError(
            _("It is broken, and cannot be drawn. %(why)s") % {"why": words[:200]}
        )
    return int(done.stdout)

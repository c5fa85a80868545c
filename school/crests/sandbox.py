"""Draws a crest once, as papers will, in a process of its own that may take little."""

import subprocess
import sys
from pathlib import Path

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from school.runtime.processes import minimal_env

CHILD_SCRIPT = Path(__file__).with_name("renderer_child.py")
TIMEOUT_SECONDS = 10
"""On the clock: nearly all is drawn in a tenth of one."""


def measure_rendered_size(image: bytes) -> int:
    """How many bytes it takes on paper; ValidationError if it cannot be drawn."""
    try:
        result = subprocess.run(  # noqa: S603  (our own command)
            [sys.executable, "-P", str(CHILD_SCRIPT)],
            input=image,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            env=minimal_env(),
        )
    except subprocess.TimeoutExpired as error:
        raise ValidationError(_("It takes too long to draw.")) from error
    if result.returncode:
        stderr_tail = result.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ValidationError(
            _("It is broken, and cannot be drawn. %(why)s") % {"why": stderr_tail[:200]}
        )
    return int(result.stdout)

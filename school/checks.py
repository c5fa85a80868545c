"""System check for environment variables that were renamed."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register
def check_renamed_variables(**_: Any) -> list[CheckMessage]:
    """Report each variable that is set under a name which is no longer read."""
    return [
        Error(f"{old} is not read any more: its name is {new}.", id="school.E001")
        for old, new in settings.RENAMED_VARIABLES.items()
    ]

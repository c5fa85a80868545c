"""Start of a long-running process: what it refuses, and the privacy of its files."""

import logging
import os
import sys
from collections.abc import Sequence

from django.conf import settings
from django.core.checks import run_checks

from school.db.faults import find_faults
from school.db.outage import outage

EXIT_CODE = 3
"""gunicorn ends with it too, where after any other it would start the process again."""
PRIVATE_UMASK = 0o077
logger = logging.getLogger(__name__)


def refuse_unsafe_settings(
    *, secrets: Sequence[str] = (), tags: Sequence[str] | None = None
) -> None:
    """Exit if a system check fails or one of the secrets is absent; log each reason.

    `tags` limits the checks.
    """
    messages = [
        message for message in run_checks(tags=tags) if not message.is_silenced()
    ]
    for message in messages:
        if not message.is_serious():
            logger.warning("%s", message)
    refusals = [str(message) for message in messages if message.is_serious()]
    refusals += [
        f"{name} is not set, and GENERATE_SECRETS is off."
        for name in secrets
        if name in settings.ABSENT_SECRETS
    ]
    for refusal in refusals:
        logger.critical("The process does not start: %s", refusal)
    if refusals:
        sys.exit(EXIT_CODE)


def refuse_unusable_database() -> None:
    """Exit if the address of the database, a setting or a right is wrong; log each reason.

    A database that does not answer may do so later, and tables may be made: that is logged,
    and the process starts.
    """
    faults = find_faults(with_tables=True)
    for fault in faults:
        if fault.is_permanent:
            logger.critical("The process does not start: %s", fault)
        elif fault.is_outage:
            outage.check()  # which logs it
        else:
            logger.error("%s", fault)
    if any(fault.is_permanent for fault in faults):
        sys.exit(EXIT_CODE)


def make_files_private() -> None:
    """Let nobody but this process's user read the files that it and its children create."""
    if sys.platform != "win32":
        os.umask(PRIVATE_UMASK)

"""Registry of report kinds and formats, discovered from their folders.

Every module of a package listed in `REPORT_PACKAGES`, except `base`, is one report kind with
the module's name. `tasks.rendering.format_registry` finds the formats in the same way. Editors
do not see these imports, but the type checker and the tests read every such file.
"""

from functools import cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from tasks.discovery import load_classes
from tasks.errors import FieldError, InvalidRequest
from tasks.rendering.format_registry import format_classes
from tasks.reporting.report import Report

__all__ = ["format_classes", "get_report_class", "report_classes"]


@cache
def report_classes() -> dict[str, type[Report[Any]]]:
    """Return every report class by kind, sorted by kind."""
    classes: dict[str, type[Report[Any]]] = {}
    for package in settings.REPORT_PACKAGES:
        classes |= load_classes(package, Report)  # type: ignore[type-abstract]
    return dict(sorted(classes.items()))


def get_report_class(kind: str) -> type[Report[Any]]:
    """Return the class of a kind; raise `InvalidRequest` if there is none."""
    if kind not in report_classes():
        detail = _(
            "There is no report “{report}”. Available reports: {reports}."
        ).format(report=kind, reports=", ".join(report_classes()))
        raise InvalidRequest(FieldError("/report", "unknown_report", detail))
    return report_classes()[kind]

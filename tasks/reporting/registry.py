"""The kinds of report and the formats there are: the folders are the lists.

Every module of a package named in `REPORT_PACKAGES`, but `base`, is one kind of report,
called by the module's name; every module of `tasks.formats` is one format. Editors do not
see these imports, but the type checker and the tests read every such file.
"""

import pkgutil
from functools import cache
from importlib import import_module
from inspect import isclass
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from tasks.errors import FieldError, InvalidRequest
from tasks.rendering.format import Format
from tasks.reporting.report import Report

Entry = TypeVar("Entry")


@cache
def report_classes() -> dict[str, type[Report[Any]]]:
    """Every kind of report, by name."""
    classes: dict[str, type[Report[Any]]] = {}
    for package in settings.REPORT_PACKAGES:
        classes |= _load_classes(package, Report)  # type: ignore[type-abstract]
    return dict(sorted(classes.items()))


@cache
def format_classes() -> dict[str, type[Format]]:
    """Every format, by name."""
    classes = _load_classes("tasks.formats", Format)  # type: ignore[type-abstract]
    return {name.replace("_", "-"): format for name, format in classes.items()}


def get_report_class(kind: str) -> type[Report[Any]]:
    if kind not in report_classes():
        detail = _("There is no report “{report}”. There are: {reports}.").format(
            report=kind, reports=", ".join(report_classes())
        )
        raise InvalidRequest(FieldError("/report", "unknown_report", detail))
    return report_classes()[kind]


def _load_classes(package: str, base: type[Entry]) -> dict[str, type[Entry]]:
    package_path = import_module(package).__path__
    names = [
        info.name for info in pkgutil.iter_modules(package_path) if info.name != "base"
    ]
    return {name: _load_only_class(f"{package}.{name}", base) for name in names}


def _load_only_class(module: str, base: type[Entry]) -> type[Entry]:
    classes = [
        value
        for value in vars(import_module(module)).values()
        if isclass(value) and issubclass(value, base) and value.__module__ == module
    ]
    if len(classes) != 1:
        raise ImproperlyConfigured(
            f"{module} must define exactly one {base.__name__}; it defines {len(classes)}."
        )
    return classes[0]

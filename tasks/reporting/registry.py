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

from tasks.errors import Flaw, RequestRefused
from tasks.rendering.format import Format
from tasks.reporting.report import Report

Entry = TypeVar("Entry")


@cache
def reports() -> dict[str, type[Report[Any]]]:
    """Every kind of report, by name."""
    found: dict[str, type[Report[Any]]] = {}
    for package in settings.REPORT_PACKAGES:
        found |= _classes(package, Report)  # type: ignore[type-abstract]
    return dict(sorted(found.items()))


@cache
def formats() -> dict[str, type[Format]]:
    """Every format, by name."""
    found = _classes("tasks.formats", Format)  # type: ignore[type-abstract]
    return {name.replace("_", "-"): format for name, format in found.items()}


def report(kind: str) -> type[Report[Any]]:
    if kind not in reports():
        detail = _("There is no report “{report}”. There are: {reports}.").format(
            report=kind, reports=", ".join(reports())
        )
        raise RequestRefused(Flaw("/report", "unknown_report", detail))
    return reports()[kind]


def _classes(package: str, base: type[Entry]) -> dict[str, type[Entry]]:
    folder = import_module(package).__path__
    names = [info.name for info in pkgutil.iter_modules(folder) if info.name != "base"]
    return {name: _only_class(f"{package}.{name}", base) for name in names}


def _only_class(module: str, base: type[Entry]) -> type[Entry]:
    found = [
        value
        for value in vars(import_module(module)).values()
        if isclass(value) and issubclass(value, base) and value.__module__ == module
    ]
    if len(found) != 1:
        raise ImproperlyConfigured(
            f"{module} must define exactly one {base.__name__}; it defines {len(found)}."
        )
    return found[0]

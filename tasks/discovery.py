"""Discovery of classes by folder: each module of a package defines one class."""

import pkgutil
from importlib import import_module
from inspect import isclass
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

Entry = TypeVar("Entry")


def load_classes(package: str, base: type[Entry]) -> dict[str, type[Entry]]:
    """Import every module of the package except `base`; return its class by module name.

    Raises `ImproperlyConfigured` if a module does not define exactly one subclass of `base`.
    """
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

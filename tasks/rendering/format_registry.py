"""Registry of output formats, discovered from the folder `tasks/formats`.

Every module of that package is one format. Other code asks the class for what it needs to
know of a format, so that no list of formats exists.
"""

from functools import cache

from tasks.discovery import load_classes
from tasks.rendering.format import Format


@cache
def format_classes() -> dict[str, type[Format]]:
    """Return every format class by name (`csv_br.py` is `csv-br`)."""
    classes = load_classes("tasks.formats", Format)  # type: ignore[type-abstract]
    return {name.replace("_", "-"): format for name, format in classes.items()}


@cache
def default_formats() -> tuple[str, ...]:
    """Return the names of the formats that every kind offers by default, in order."""
    defaults = [
        (format.sort_order, name)
        for name, format in format_classes().items()
        if format.is_default
    ]
    return tuple(name for _order, name in sorted(defaults))

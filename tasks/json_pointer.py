"""JSON Pointers to invalid fields of a request (RFC 6901)."""


def json_pointer(*parts: str | int) -> str:
    """Return the pointer to a nested member or item; empty for the whole document."""
    return "".join(f"/{escape_part(str(part))}" for part in parts)


def escape_part(part: str) -> str:
    """Return the part with `~` and `/` escaped."""
    return part.replace("~", "~0").replace("/", "~1")

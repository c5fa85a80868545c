"""What sheets are called: within what a spreadsheet allows, and each otherwise."""

import re

MAX_LENGTH = 31
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# Excel keeps them for itself, in English and in Portuguese.
_RESERVED = ("history", "histórico")


class SheetNames:
    """Gives each sheet a name that no sheet before it has."""

    def __init__(self) -> None:
        self._used_names = set(_RESERVED)

    def unique_name(self, title: str) -> str:
        """The wanted name, or what is most like it; further ones are numbered from 2."""
        stem = " ".join(_FORBIDDEN.sub(" ", title).split()).strip("'") or "-"
        number, candidate = 1, _truncate(stem)
        while candidate.casefold() in self._used_names:
            number += 1
            candidate = (
                f"{_truncate(stem, suffix_length=len(f' ({number})'))} ({number})"
            )
        self._used_names.add(candidate.casefold())
        return candidate


def _truncate(name: str, suffix_length: int = 0) -> str:
    # Excel counts in UTF-16, so that an emoji is two.
    units = name.encode("utf-16-le", "ignore")[: 2 * (MAX_LENGTH - suffix_length)]
    return units.decode("utf-16-le", "ignore").strip("' ")

"""Unique sheet names within the limits of spreadsheets."""

import re

MAX_LENGTH = 31
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# Excel reserves this name, in English and in Portuguese.
_RESERVED = ("history", "histórico")


class SheetNames:
    """Generator of sheet names that are unique in a workbook."""

    def __init__(self) -> None:
        self._used_names = set(_RESERVED)

    def unique_name(self, title: str) -> str:
        """Return the title as a valid sheet name; repeated names are numbered from 2."""
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
    # Excel counts UTF-16 code units: an emoji counts as two.
    units = name.encode("utf-16-le", "ignore")[: 2 * (MAX_LENGTH - suffix_length)]
    return units.decode("utf-16-le", "ignore").strip("' ")
